/** Plans of stored revisions. A revision never changes, so what was read once is kept. */

import { api } from "../api/client";
import type { Plan, Sortie } from "../api/model";
import { createStore } from "./store";

/** Several shifts' worth; the oldest goes first. */
const LIMIT = 200;

export const plans = createStore<ReadonlyMap<string, Plan>>(new Map());

type Flown = Pick<Sortie, "mission_id" | "revision">;

const keyOf = (missionId: string, revision: number) => `${missionId}@${revision}`;
const asked = new Set<string>();

export function planOf(all: ReadonlyMap<string, Plan>, sortie: Flown): Plan | null {
  return all.get(keyOf(sortie.mission_id, sortie.revision)) ?? null;
}

/** Fetches the plan that `sortie` flies unless it is here. A failure leaves it out of the map and is asked again. */
export async function wantPlan({ mission_id, revision }: Flown): Promise<void> {
  const key = keyOf(mission_id, revision);
  if (asked.has(key)) return;
  asked.add(key);
  try {
    const { plan } = await api.revision(mission_id, revision);
    plans.update((now) => new Map([...now, [key, plan] as const].slice(-LIMIT)));
  } catch {
    asked.delete(key);
  }
}
