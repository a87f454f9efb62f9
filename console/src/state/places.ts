/** What changes seldom: district, airspace, docks, missions, the catalog of patterns. Loaded at the start, again when asked. */

import { api } from "../api/client";
import type { Airspace, District, Dock, MissionSummary, PatternSpec, Template } from "../api/model";
import { link, live } from "./connection";
import { withSorties } from "./live";
import { createStore } from "./store";

export interface Places {
  district: District | null;
  airspace: Airspace | null;
  docks: readonly Dock[];
  missions: readonly MissionSummary[];
  /** Every pattern with its parameters, and the city's tasks: what the planner's form is made from. */
  patterns: readonly PatternSpec[];
  templates: readonly Template[];
}

export const places = createStore<Places>({ district: null, airspace: null, docks: [], missions: [], patterns: [], templates: [] });

const keep = (part: Partial<Places>) => places.update((now) => ({ ...now, ...part }));

/** Loads everything that is there; a part that fails keeps what was known and comes with the next connection. */
async function loadPlaces(): Promise<void> {
  await Promise.allSettled([
    api.district().then((district) => keep({ district })),
    loadAirspace(),
    api.docks().then((docks) => keep({ docks })),
    api.patterns().then((patterns) => keep({ patterns })),
    api.templates().then((templates) => keep({ templates })),
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

export async function loadAirspace(): Promise<void> {
  keep({ airspace: await api.airspace() });
}
