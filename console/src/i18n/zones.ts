/** What a zone is, in a few words: role, heights, times, who says so. */

import type { Band, ZoneFeature } from "../api/model";
import { formatDateTime } from "../geo/format";
import { countsAt } from "../geo/validity";
import { isKey, type Translate } from "./index";

/** Lines below a zone's name. `atMs`: now. */
export function zoneFacts({ properties }: ZoneFeature, t: Translate, atMs: number): string[] {
  const { role, band, validity, authority, source } = properties;
  const key = `legend.${role}`;
  const counts = countsAt(validity, atMs);
  const times = [
    validity.effective_at && Date.parse(validity.effective_at) > atMs && t("tip.from", { at: formatDateTime(validity.effective_at) }),
    validity.ends_at && t("tip.until", { at: formatDateTime(validity.ends_at) }),
    validity.periods?.length && t("tip.periods"),
    !counts && t("tip.notNow"),
  ].filter(Boolean);
  return [`${isKey(key) ? t(key) : role} · ${bandText(band, t)}`, times.join(" · "), [authority, source].filter(Boolean).join(" · ")].filter(Boolean);
}

/** "地面 – 海拔 120 m": each end with its own datum. */
export function bandText({ datum, floor_m, floor_datum, ceiling_m, ceiling_datum }: Band, t: Translate): string {
  const end = (value: number | null | undefined, of: Band["datum"] | null | undefined, none: "band.ground" | "band.sky") => {
    const key = `datum.${of ?? datum}`;
    return value === null || value === undefined ? t(none) : `${isKey(key) ? t(key) : (of ?? datum)} ${value} m`;
  };
  return `${end(floor_m, floor_datum, "band.ground")} – ${end(ceiling_m, ceiling_datum, "band.sky")}`;
}
