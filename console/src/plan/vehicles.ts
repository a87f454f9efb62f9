/** Which vehicle flies a plan. */

import type { VehicleState } from "../api/model";
import { type Standing, standing } from "../i18n/wording";
import { batteryPct } from "../state/freshness";
import type { Live } from "../state/live";

export interface Candidate {
  id: string;
  name: string;
  batteryPct: number | null;
  ready: boolean;
  standing: Standing["key"];
}

/** The vehicles of a dock, ready ones first, fullest battery first. */
export function candidates({ vehicles }: Live, dockId: string | null): Candidate[] {
  const here = [...vehicles.values()].map(({ state }) => state).filter((state) => state.dock_id === dockId);
  return here.map(candidate).sort(
    (a, b) => Number(b.ready) - Number(a.ready) || (b.batteryPct ?? 0) - (a.batteryPct ?? 0) || a.id.localeCompare(b.id),
  );
}

function candidate(state: VehicleState): Candidate {
  return {
    id: state.vehicle_id,
    name: state.name,
    batteryPct: batteryPct(state),
    ready: state.ready,
    standing: standing(state, state.sortie_id ? "state.on_mission" : null).key,
  };
}

/** The wanted vehicle when it stands at the dock, else the first ready one. */
export function choose(all: readonly Candidate[], wanted: string | null): Candidate | null {
  return all.find(({ id }) => id === wanted) ?? all.find(({ ready }) => ready) ?? null;
}

/** Equality of candidate lists by what they say. */
export function sameCandidates(a: readonly Candidate[], b: readonly Candidate[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
