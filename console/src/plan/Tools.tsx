import { App, Button } from "antd";
import { useRef } from "react";
import { useT } from "../i18n";
import { draw, type Draft, takeGeometry } from "./draft";
import { importGeoJson } from "./importGeoJson";

const PENS = [
  { pattern: "survey", testid: "draw-area", label: "plan.area", hint: "plan.areaHint", icon: "M4 5h16v14H4zM8 5v14M12 5v14M16 5v14" },
  { pattern: "route", testid: "draw-route", label: "plan.route", hint: "plan.routeHint", icon: "M4 18 9 8l6 7 5-10" },
] as const;

/** What to draw with; the kind of drawing is the kind of patrol. */
export function Tools({ draft }: { draft: Draft }) {
  const t = useT();
  const { message } = App.useApp();
  const file = useRef<HTMLInputElement>(null);

  const load = async (chosen: File) => {
    const found = importGeoJson(await chosen.text());
    if ("error" in found) void message.error(t(found.error));
    else takeGeometry(found.geometry, found.name);
  };

  return (
    <>
      <div className="pens" role="group" data-testid="pattern" data-pattern={draft.pattern}>
        {PENS.map(({ pattern, testid, label, hint, icon }) => (
          <button
            key={pattern}
            type="button"
            data-testid={testid}
            data-drawing={draft.drawing && draft.pattern === pattern}
            aria-pressed={draft.pattern === pattern}
            onClick={() => draw(pattern)}
          >
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d={icon} />
            </svg>
            <strong>{t(label)}</strong>
            <small>{t(hint)}</small>
          </button>
        ))}
      </div>
      <div className="pens-foot">
        <span className="hint">{draft.geometry ? t("plan.editDrawing") : t("plan.loadHint")}</span>
        <Button size="small" title={t("plan.loadHint")} onClick={() => file.current?.click()}>
          {t("plan.load")}
        </Button>
        <input
          ref={file}
          type="file"
          hidden
          accept=".geojson,.json,application/geo+json"
          data-testid="geojson-file"
          onChange={({ target }) => {
            const chosen = target.files?.[0];
            if (chosen) void load(chosen);
            // The same file can be chosen again after it was changed.
            target.value = "";
          }}
        />
      </div>
    </>
  );
}
