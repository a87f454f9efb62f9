import { Input, Select } from "antd";
import { useT } from "../i18n";
import { Field } from "../plan/Field";
import { live } from "../state/connection";
import { shallow, useStore } from "../state/store";
import { polygonIn, SEVERITIES, type Severity } from "./form";
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
          <Select
            mode="multiple"
            allowClear
            maxTagCount="responsive"
            value={[...form.vehicleIds]}
            placeholder={t("forward.all")}
            options={Object.entries(names).map(([value, name]) => ({ value, label: name }))}
            showSearch={{ optionFilterProp: "label" }}
            onChange={(vehicleIds: string[]) => change({ vehicleIds })}
            aria-label={t("forward.vehicles")}
            data-testid="rule-vehicles"
          />
        </Field>
        <Field label={t("forward.units")} reason={against("/filter/units")} wide={!narrows}>
          <Select
            mode="tags"
            allowClear
            maxTagCount="responsive"
            value={[...form.units]}
            placeholder={t("forward.all")}
            options={units.map((value) => ({ value, label: value }))}
            onChange={(chosen: string[]) => change({ units: chosen })}
            aria-label={t("forward.units")}
          />
        </Field>
        {narrows && (
          <>
            <Field label={t("forward.severities")} reason={null}>
              <Select
                mode="multiple"
                allowClear
                maxTagCount="responsive"
                value={[...form.severities]}
                placeholder={t("forward.all")}
                options={SEVERITIES.map((value) => ({ value, label: t(`forward.${value}`) }))}
                onChange={(severities: Severity[]) => change({ severities })}
                aria-label={t("forward.severities")}
              />
            </Field>
            <Field label={t("forward.codes")} reason={against("/filter/codes")} wide>
              <Select
                mode="tags"
                allowClear
                maxTagCount="responsive"
                value={[...form.codes]}
                placeholder={t("forward.all")}
                options={CODES.map((value) => ({ value, label: value }))}
                onChange={(codes: string[]) => change({ codes })}
                aria-label={t("forward.codes")}
              />
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

/** Kinds that are asked for most; any other can be typed. */
const CODES = ["link-lost", "link-back", "low-battery", "fence-breach", "fence-ahead", "zone-entered", "gps", "mode-surprise", "airspace-review", "traffic"];
