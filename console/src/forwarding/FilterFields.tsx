import { Input, Select } from "antd";
import { useT } from "../i18n";
import { Field } from "../plan/Field";
import { live } from "../state/connection";
import { shallow, useStore } from "../state/store";
import { polygonIn, SEVERITIES } from "./form";
import type { Editing } from "./RuleEditor";

/** Of whom and of what is told; what is left empty narrows nothing. */
export function FilterFields({ editing: { form, change, against } }: { editing: Editing }) {
  const t = useT();
  const names = useStore(live, ({ vehicles }) => Object.fromEntries([...vehicles].map(([id, { state }]) => [id, state.name])), shallow);
  const units = useStore(live, ({ vehicles }) => [...new Set([...vehicles.values()].map(({ state }) => state.unit))].sort(), shallow);
  const narrows = form.what.includes("events") || form.what.includes("alarms");
  const area = form.area.trim() && !polygonIn(form.area) ? t("forward.noPolygon") : against("/filter/area");
  return (
    <section className="section">
      <h3>{t("forward.filter")}</h3>
      <div className="fields">
        <Field label={t("forward.vehicles")} reason={against("/filter/vehicle_ids")} wide>
          <Chosen
            label={t("forward.vehicles")}
            value={form.vehicleIds}
            options={Object.entries(names).map(([value, label]) => ({ value, label }))}
            onChange={(vehicleIds) => change({ vehicleIds })}
            testid="rule-vehicles"
          />
        </Field>
        <Field label={t("forward.units")} reason={against("/filter/units")} wide={!narrows}>
          <Chosen label={t("forward.units")} value={form.units} options={units.map(asOption)} onChange={(chosen) => change({ units: chosen })} typed />
        </Field>
        {narrows && (
          <>
            <Field label={t("forward.severities")} reason={null}>
              <Chosen
                label={t("forward.severities")}
                value={form.severities}
                options={SEVERITIES.map((value) => ({ value, label: t(`forward.${value}`) }))}
                onChange={(severities) => change({ severities })}
              />
            </Field>
            <Field label={t("forward.codes")} reason={against("/filter/codes")} wide>
              <Chosen label={t("forward.codes")} value={form.codes} options={CODES.map(asOption)} onChange={(codes) => change({ codes })} typed />
            </Field>
          </>
        )}
        <Field label={t("forward.area")} reason={area} wide>
          <Input.TextArea
            value={form.area}
            autoSize={{ minRows: 1, maxRows: 5 }}
            spellCheck={false}
            placeholder={t("forward.areaHint")}
            onChange={({ target }) => change({ area: target.value })}
            data-testid="rule-area"
          />
        </Field>
      </div>
    </section>
  );
}

interface ChosenProps<T extends string> {
  label: string;
  value: readonly T[];
  options: { value: T; label: string }[];
  onChange: (value: T[]) => void;
  /** What is not offered can be typed. */
  typed?: boolean;
  testid?: string;
}

/** Any number of values; none stands for all. */
function Chosen<T extends string>({ label, value, options, onChange, typed = false, testid }: ChosenProps<T>) {
  const t = useT();
  return (
    <Select
      mode={typed ? "tags" : "multiple"}
      allowClear
      maxTagCount="responsive"
      value={[...value]}
      placeholder={t("forward.all")}
      options={options}
      showSearch={{ optionFilterProp: "label" }}
      onChange={onChange}
      aria-label={label}
      data-testid={testid}
    />
  );
}

const asOption = (value: string) => ({ value, label: value });

/** Kinds that are asked for most; any other can be typed. */
const CODES = ["link-lost", "link-back", "low-battery", "fence-breach", "fence-ahead", "zone-entered", "gps", "mode-surprise", "airspace-review", "traffic"];
