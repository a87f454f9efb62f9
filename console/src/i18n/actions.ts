/** What a vehicle does at a waypoint, in words. */

import type { Action, Waypoint } from "../api/model";
import { formatDuration } from "../geo/format";
import { isKey, type Translate } from "./index";

/** Where the value 0 means the end of something. */
const STOPS: ReadonlySet<Action["kind"]> = new Set(["photo-every", "video"]);

export function actionText({ kind, value }: Action, t: Translate): string {
  const key = STOPS.has(kind) && value === 0 ? `action.${kind}.stop` : `action.${kind}`;
  return isKey(key) ? t(key, { value: Math.round(value * 10) / 10 }) : kind;
}

/** Lines below a waypoint's number. `offsetS`: when it is reached. */
export function waypointFacts(step: Waypoint, offsetS: number | undefined, t: Translate): string[] {
  const height = t("tip.height", { m: Math.round(step.alt_rel_m * 10) / 10 });
  const reached = offsetS === undefined ? [] : [t("tip.at", { time: formatDuration(offsetS) })];
  const stays = step.hold_s > 0 ? [t("tip.hold", { s: step.hold_s })] : [];
  return [[height, ...reached].join(" · "), ...stays, ...step.actions.map((action) => actionText(action, t))];
}
