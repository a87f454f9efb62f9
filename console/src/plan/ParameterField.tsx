import { InputNumber, Select, Switch } from "antd";
import type { Value } from "../api/model";
import { useLanguage, useT } from "../i18n";
import { boundsText, helpText, labelText, unitText, valueText } from "../i18n/parameters";
import { tellParameter } from "./draft";
import { Field } from "./Field";
import type { Parameter } from "./form";

/** One parameter of a pattern as the catalog describes it: its kind makes the input, its meaning the help. */
export function ParameterField({ parameter, reason }: { parameter: Parameter; reason: string | null }) {
  const t = useT();
  const language = useLanguage();
  const { spec, told, standing, replacedBy } = parameter;
  const { name, kind, unit, words } = spec;
  const label = labelText(spec, t, language);
  const replaced = replacedBy ? t("plan.replacedBy", { name: labelText({ ...spec, name: replacedBy }, t, language) }) : null;
  const title = [helpText(spec, language), boundsText(spec, t), replaced].filter(Boolean).join(" · ");
  const placeholder = replaced ?? (standing === null ? t("plan.unset") : valueText(standing, t));
  const set = (value: Value | null) => tellParameter(name, value);
  const common = { "aria-label": label, "data-testid": `param-${name}` } as const;

  if (kind === "flag") {
    return (
      <Field label={label} reason={reason} title={title}>
        <Switch size="small" checked={Boolean(told ?? standing ?? false)} onChange={set} {...common} />
      </Field>
    );
  }
  if (kind === "word") {
    const options = words.map((word) => ({ value: word, label: valueText(word, t) }));
    return (
      <Field label={label} reason={reason} title={title} wide={words.some((word) => word.length > 16)}>
        <Select
          allowClear
          value={(told as string | null) ?? null}
          options={options}
          placeholder={placeholder}
          onChange={(word: string | undefined) => set(word ?? null)}
          status={reason ? "error" : ""}
          {...common}
        />
      </Field>
    );
  }
  return (
    <Field label={label} reason={reason} title={title}>
      <InputNumber
        value={(told as number | null) ?? null}
        placeholder={placeholder}
        suffix={unitText(unit)}
        step={stepOf(spec.high)}
        status={reason ? "error" : ""}
        onChange={(next) => set(typeof next === "number" ? next : null)}
        {...common}
      />
    </Field>
  );
}

/** Steps of the arrows that suit the size of the quantity. */
function stepOf(high: number | null): number {
  if (high === null) return 1;
  if (high <= 1) return 0.05;
  return high > 100 ? 5 : 1;
}
