/** How old what we see is, and what that means. */

import type { VehicleState } from "../api/model";
import type { Seen } from "./live";

export type Freshness = "live" | "stale" | "lost" | "never";

/** The limits of LinkState in telemetry/messages.py. */
export const STALE_S = 1.5;
export const LOST_S = 5;

/** Age of the position at `nowMs` of the picture, in seconds: the age that the record carried, gone on since it came. */
export function positionAgeS(seen: Seen, nowMs: number): number | null {
  const { position_age_s } = seen.state;
  return position_age_s === null ? null : position_age_s + Math.max(0, nowMs - seen.atMs) / 1000;
}

export function freshness(ageS: number | null): Freshness {
  if (ageS === null) return "never";
  if (ageS > LOST_S) return "lost";
  return ageS > STALE_S ? "stale" : "live";
}

/** What is left in the battery, in whole percent; null: nobody knows, or it is told no more. */
export function batteryPct({ battery_pct, quiet }: VehicleState): number | null {
  return battery_pct === null || quiet.some(({ what }) => what === "battery") ? null : Math.round(battery_pct);
}
