import { startZone } from "../airspace/zoneDraft";
import { boundsOf, positions } from "../geo/geo";
import { useT } from "../i18n";
import type { Key } from "../i18n/messages";
import { lookAt, zoomBy } from "../map/camera";
import { useReplaying } from "../state/picture";
import { places } from "../state/places";

const LEGEND = ["inclusion", "exclusion", "no-film", "advisory", "off"] as const;

function fitDistrict(): void {
  const points = places.get().district?.features.flatMap(({ geometry }) => positions(geometry)) ?? [];
  if (boundsOf(points)) lookAt(points);
}

/** Zoom, the whole district, the quick no-fly zone, and what the zones' colours mean. */
export function MapControls() {
  const t = useT();
  const isReplay = useReplaying();
  return (
    <div className="map-tools">
      <ul className="legend" title={t("map.schematic")}>
        {LEGEND.map((role) => (
          <li key={role} data-role={role}>
            {t(`legend.${role}` satisfies Key)}
          </li>
        ))}
      </ul>
      {!isReplay && (
        <button type="button" className="zone-tool" data-testid="zone-tool" onClick={() => startZone()}>
          {t("zone.tool")}
        </button>
      )}
      <div className="zoom">
        <button type="button" aria-label={t("map.zoomIn")} title={t("map.zoomIn")} onClick={() => zoomBy(1)}>
          +
        </button>
        <button type="button" aria-label={t("map.zoomOut")} title={t("map.zoomOut")} onClick={() => zoomBy(-1)}>
          −
        </button>
        <button type="button" className="zoom-fit" onClick={fitDistrict}>
          {t("map.fit")}
        </button>
      </div>
    </div>
  );
}
