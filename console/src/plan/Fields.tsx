import { Input, InputNumber, Select } from "antd";
import type { ReactNode } from "react";
import type { Dock } from "../api/model";
import { useLanguage, useT } from "../i18n";
import { said } from "../i18n/phrases";
import { conflictText } from "../i18n/wording";
import { change, defaultName, type Draft, type Preview } from "./draft";
import { vehicleOptions } from "./vehicleOptions";
import type { Candidate } from "./vehicles";

interface Props {
  draft: Draft;
  preview: Preview;
  dockId: string | null;
  docks: readonly Dock[];
  vehicles: readonly Candidate[];
  chosen: Candidate | null;
}

/** How it is flown; a reason against a value stands under its field. */
export function Fields({ draft, preview, dockId, docks, vehicles, chosen }: Props) {
  const t = useT();
  const language = useLanguage();
  const against = useReasons(preview);
  const dockName = (dock: Dock) => (language === "en" && dock.name_en) || dock.name;
  const nearest = docks.find((dock) => dock.dock_id === dockId);
  const auto = nearest ? t("plan.nearestDock", { name: dockName(nearest) }) : t("plan.nearest");

  const amount = (label: string, testid: string, pointer: string, unit: string, value: number | null, set: (value: number | null) => void, more: object = {}) => (
    <Field label={label} reason={against(pointer)}>
      <InputNumber
        value={value}
        onChange={(next) => set(typeof next === "number" ? next : null)}
        suffix={unit}
        status={against(pointer) ? "error" : ""}
        aria-label={label}
        data-testid={testid}
        {...more}
      />
    </Field>
  );

  return (
    <div className="fields">
      <Field label={t("plan.name")} reason={against("/properties/name")} wide>
        <Input
          value={draft.name}
          maxLength={80}
          placeholder={defaultName(draft.pattern)}
          onChange={({ target }) => change({ name: target.value })}
          data-testid="mission-name"
        />
      </Field>
      {amount(t("plan.altitude"), "altitude", "/properties/alt_rel_m", "m", draft.altRelM, (altRelM) => change({ altRelM }), { step: 5, title: t("plan.altitudeHint") })}
      {amount(t("plan.speed"), "speed", "/properties/speed_mps", "m/s", draft.speedMps, (speedMps) => change({ speedMps }))}
      {draft.pattern === "survey" && (
        <>
          {amount(t("plan.spacing"), "spacing", "/properties/spacing_m", "m", draft.spacingM, (spacingM) => change({ spacingM }), { step: 5 })}
          {amount(t("plan.heading"), "heading", "/properties/heading_deg", "°", draft.headingDeg, (headingDeg) => change({ headingDeg }), { step: 15, placeholder: t("plan.auto") })}
        </>
      )}
      <Field label={t("plan.dock")} reason={against("/properties/dock_id")} wide>
        <Select
          value={draft.dockId ?? ""}
          onChange={(id: string) => change({ dockId: id || null, vehicleId: null })}
          options={[{ value: "", label: auto }, ...docks.map((dock) => ({ value: dock.dock_id, label: dockName(dock) }))]}
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

function Field({ label, reason, wide, children }: { label: string; reason: string | null; wide?: boolean; children: ReactNode }) {
  return (
    <div className="field" data-wide={wide}>
      <label>
        <span>{label}</span>
        {children}
      </label>
      {reason && (
        <em role="alert" className="field-reason">
          {reason}
        </em>
      )}
    </div>
  );
}
