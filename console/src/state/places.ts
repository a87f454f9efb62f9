/** What changes seldom: district, airspace, docks, missions. Loaded at the start, again when asked. */

import { api } from "../api/client";
import type { Airspace, District, Dock, MissionSummary } from "../api/model";
import { link, live } from "./connection";
import { withSorties } from "./live";
import { createStore } from "./store";

export interface Places {
  district: District | null;
  airspace: Airspace | null;
  docks: readonly Dock[];
  missions: readonly MissionSummary[];
}

export const places = createStore<Places>({ district: null, airspace: null, docks: [], missions: [] });

const keep = (part: Partial<Places>) => places.update((now) => ({ ...now, ...part }));

/** Loads everything that is there; a part that fails keeps what was known and comes with the next connection. */
async function loadPlaces(): Promise<void> {
  await Promise.allSettled([
    api.district().then((district) => keep({ district })),
    api.airspace().then((airspace) => keep({ airspace })),
    api.docks().then((docks) => keep({ docks })),
    loadMissions(),
    api.sorties().then((sorties) => live.update((now) => withSorties(now, sorties))),
  ]);
}

/** Loads at once and again whenever the stream opens: after an outage anything may have changed. */
export function keepPlaces(): () => void {
  void loadPlaces();
  return link.subscribe(() => {
    if (link.get() === "open") void loadPlaces();
  });
}

export async function loadMissions(): Promise<void> {
  keep({ missions: await api.missions() });
}
