/** Plans that were approved or flown: of stored revisions and of diversions. Neither changes, so what was read once is kept. */

import { api } from "../api/client";
import type { Plan, Sortie } from "../api/model";
import { createStore } from "./store";

/** Several shifts' worth; the oldest goes first. */
const LIMIT = 200;

export const plans = createStore<ReadonlyMap<string, Plan>>(new Map());

type Planned = Pick<Sortie, "mission_id" | "revision">;

type Flown = Planned & Pick<Sortie, "sortie_id" | "diversion_id">;

const keyOf = (missionId: string, revision: number) => `${missionId}@${revision}`;
const asked = new Set<string>();

export function planOf(all: ReadonlyMap<string, Plan>, sortie: Planned): Plan | null {
  return all.get(keyOf(sortie.mission_id, sortie.revision)) ?? null;
}

/** What `sortie` flies: the plan that replaced its mission in the air, else the mission's own. */
export function flownPlan(all: ReadonlyMap<string, Plan>, sortie: Flown): Plan | null {
  return sortie.diversion_id ? (all.get(sortie.diversion_id) ?? null) : planOf(all, sortie);
}

/** Fetches the plan of the revision of `sortie` unless it is here. */
export async function wantPlan({ mission_id, revision }: Planned): Promise<void> {
  await want(keyOf(mission_id, revision), async () => (await api.revision(mission_id, revision)).plan);
}

/** Fetches what `sortie` flies unless it is here. */
export async function wantFlown(sortie: Flown): Promise<void> {
  const { sortie_id, diversion_id } = sortie;
  if (!diversion_id) return wantPlan(sortie);
  await want(diversion_id, async () => (await api.diversion(sortie_id, diversion_id)).plan);
}

/** A failure leaves the plan out of the map, and it is asked for again. */
async function want(key: string, fetched: () => Promise<Plan>): Promise<void> {
  if (asked.has(key)) return;
  asked.add(key);
  try {
    const plan = await fetched();
    plans.update((now) => new Map([...now, [key, plan] as const].slice(-LIMIT)));
  } catch {
    asked.delete(key);
  }
}
