import { Input, InputNumber, Segmented, Select } from "antd";
import type { Dock, ReturnMode } from "../api/model";
import { useLanguage, useT } from "../i18n";
import { said } from "../i18n/phrases";
import { conflictText } from "../i18n/wording";
import { DateTime } from "../ui/DateTime";
import { change, type Datum, defaultName, type Draft, type Preview, RESOLUTION } from "./draft";
import { Field } from "./Field";
import { formOf, standingOf } from "./form";
import { ParameterField } from "./ParameterField";
import { nameIn, patternOf, templateOf } from "./patterns";
import { vehicleOptions } from "./vehicleOptions";
import type { Candidate } from "./vehicles";

interface Props {
  draft: Draft;
  preview: Preview;
  dockId: string | null;
  docks: readonly Dock[];
  vehicles: readonly Candidate[];
  chosen: Candidate | null;
  airframe: string | null;
}

/** Members of the request that have a field here; what is wrong with any other is told beside the plan. */
export const FIELD_POINTER = /^\/properties\/\w+$/;

/** How it is flown; a reason against a value stands under its field. Grey values are the task's or the pattern's own. */
export function Fields({ draft, preview, dockId, docks, vehicles, chosen, airframe }: Props) {
  const t = useT();
  const language = useLanguage();
  const against = useReasons(preview);
  const pattern = patternOf(draft.pattern);
  const standing = standingOf(templateOf(draft.template), airframe);
  const form = pattern && formOf(pattern, standing, draft.parameters);
  const resolved = RESOLUTION in draft.parameters;
  const nearest = docks.find((dock) => dock.dock_id === dockId);
  const auto = nearest ? t("plan.nearestDock", { name: nameIn(language, nearest) }) : t("plan.nearest");
  const altPointer = `/properties/alt_${draft.datum}_m`;
  const against_alt = against(altPointer) ?? against("/properties/alt_rel_m");

  const parameters = (list: NonNullable<typeof form>["main"]) =>
    list.map((each) => <ParameterField key={each.spec.name} parameter={each} reason={against(`/properties/${each.spec.name}`)} />);
  const number = (value: unknown) => (typeof value === "number" ? String(value) : "");

  return (
    <div className="fields">
      <Field label={t("plan.name")} reason={against("/properties/name")} wide>
        <Input
          value={draft.name}
          maxLength={80}
          placeholder={defaultName(draft)}
          onChange={({ target }) => change({ name: target.value })}
          data-testid="mission-name"
        />
      </Field>
      <Field
        label={t("plan.altitude")}
        reason={against_alt}
        beside={
          <Segmented
            size="small"
            aria-label={t("plan.datum")}
            value={draft.datum}
            onChange={(datum: Datum) => change({ datum, altM: draft.altM ?? (Number(standing.alt_rel_m) || null) })}
            options={[
              { value: "rel", label: t("plan.altRel"), title: t("plan.altRelHint") },
              { value: "agl", label: t("plan.altAgl"), title: t("plan.altAglHint") },
            ]}
            data-testid="datum"
          />
        }
      >
        <InputNumber
          value={draft.altM}
          onChange={(altM) => change({ altM })}
          suffix="m"
          step={5}
          disabled={resolved}
          placeholder={resolved ? t("plan.byResolution") : number(standing[`alt_${draft.datum}_m`])}
          status={against_alt ? "error" : ""}
          aria-label={t("plan.altitude")}
          data-testid="altitude"
        />
      </Field>
      <Field label={t("plan.speed")} reason={against("/properties/speed_mps")}>
        <InputNumber
          value={draft.speedMps}
          onChange={(speedMps) => change({ speedMps })}
          suffix="m/s"
          placeholder={number(standing.speed_mps)}
          status={against("/properties/speed_mps") ? "error" : ""}
          aria-label={t("plan.speed")}
          data-testid="speed"
        />
      </Field>
      {form && parameters(form.main)}
      <details className="more">
        <summary data-testid="more-fields">{t("plan.more")}</summary>
        <div className="fields">
          {form && parameters(form.more)}
          <Field label={t("plan.departs")} reason={against("/properties/departs_at")} wide>
            <DateTime value={draft.departsAt} onChange={(departsAt) => change({ departsAt })} label={t("plan.departs")} testid="departs-at" />
          </Field>
          <Field label={t("plan.returnMode")} reason={against("/properties/returns")} wide>
            <Select
              value={draft.returns ?? ""}
              onChange={(mode: ReturnMode | "") => change({ returns: mode || null })}
              options={[
                { value: "", label: t("plan.returnsAuto") },
                { value: "direct", label: t("plan.returnsDirect") },
                { value: "retrace", label: t("plan.returnsRetrace") },
              ]}
              data-testid="returns"
            />
          </Field>
        </div>
      </details>
      <Field label={t("plan.dock")} reason={against("/properties/dock_id")} wide>
        <Select
          value={draft.dockId ?? ""}
          onChange={(id: string) => change({ dockId: id || null, vehicleId: null })}
          options={[{ value: "", label: auto }, ...docks.map((dock) => ({ value: dock.dock_id, label: nameIn(language, dock) }))]}
          data-testid="dock"
        />
      </Field>
      <Field label={t("plan.vehicle")} reason={dockId && !chosen ? t("plan.noVehicle") : null} wide>
        <Select
          value={chosen?.id ?? null}
          onChange={(vehicleId: string) => change({ vehicleId })}
          options={vehicleOptions(vehicles, t)}
          placeholder={t("plan.auto")}
          data-testid="vehicle"
        />
      </Field>
    </div>
  );
}

/** What speaks against the member at a JSON pointer: a refused value or a conflict that it causes. */
function useReasons(preview: Preview): (pointer: string) => string | null {
  const t = useT();
  const language = useLanguage();
  return (pointer) => {
    if (preview.status === "invalid") {
      const error = preview.errors.find((each) => each.pointer === pointer);
      return error ? said(error.detail, language) : null;
    }
    const plan = "plan" in preview ? preview.plan : null;
    const conflict = plan?.conflicts.find((each) => each.pointer === pointer);
    return plan && conflict ? conflictText(conflict, plan.waypoints_total, t) : null;
  };
}
