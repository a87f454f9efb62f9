/** From a plan to a flight: the mission is stored once, the sortie is asked for until it is taken or refused. */

import { api, newKey } from "../api/client";
import type { MissionSummary, Plan, Proposal, Sortie } from "../api/model";
import { Problem } from "../api/problem";
import { lookAt } from "../map/camera";
import { live } from "../state/connection";
import { withSorties } from "../state/live";
import { loadMissions } from "../state/places";
import { createStore } from "../state/store";
import { selectVehicle, showOnMap } from "../state/view";
import { adopt, draft, type Draft, editMission, featureOf } from "./draft";

export interface Launch {
  name: string;
  plan: Plan;
  vehicleId: string | null;
  /** Stores the mission unless it is stored; the second call gives the same. */
  mission: () => Promise<Stored>;
}

export interface Stored {
  missionId: string;
  revision: number;
}

/** The launch that waits for its confirmation; null: none. */
export const launch = createStore<Launch | null>(null);

export function launchDraft(now: Draft, plan: Plan, vehicleId: string | null): void {
  const feature = featureOf(now);
  if (!feature) return;
  const store = async (): Promise<Stored> => {
    const { base } = now;
    const { mission_id: missionId, revision } = base
      ? await api.revise(base.missionId, base.revision, feature)
      : await api.createMission(feature);
    void loadMissions();
    return { missionId, revision };
  };
  launch.set({ name: feature.properties.name ?? "", plan, vehicleId, mission: once(store) });
}

/** Flies the newest revision of a stored mission, and shows what that is before it is confirmed. */
export async function launchMission({ mission_id }: Pick<MissionSummary, "mission_id">): Promise<void> {
  const { latest, name } = await api.mission(mission_id);
  showOnMap({ missionId: mission_id, plan: latest.plan });
  lookAt(latest.plan.path.coordinates);
  const stored = { missionId: mission_id, revision: latest.revision };
  launch.set({ name, plan: latest.plan, vehicleId: null, mission: () => Promise.resolve(stored) });
}

/** Goes back from a refused launch to planning, with what was proposed in place of it. */
export async function replan(what: Launch, proposal: Proposal): Promise<void> {
  if (!draft.get().open) {
    const { missionId } = await what.mission();
    const { latest } = await api.mission(missionId);
    editMission(missionId, latest.revision, latest.feature);
  }
  launch.set(null);
  adopt(proposal);
}

/** Remembers a success; a failure may be tried again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make().catch((reason: unknown) => {
      made = null;
      throw reason;
    });
    return made;
  };
}

/** Asks for sorties of one launch; an answer that never came is asked for again under the same key. */
export function launcher(): (what: Launch, vehicleId: string) => Promise<Sortie> {
  let key = newKey();
  let keyFor = "";
  return async (what, vehicleId) => {
    const { missionId, revision } = await what.mission();
    const asked = `${missionId}@${revision}/${vehicleId}`;
    if (asked !== keyFor) key = newKey();
    keyFor = asked;
    try {
      const sortie = await api.launch(missionId, revision, vehicleId, key);
      taken(sortie);
      return sortie;
    } catch (reason) {
      if (reason instanceof Problem && (reason.document.status ?? 0) >= 400) keyFor = "";
      throw reason;
    }
  };
}

function taken(sortie: Sortie): void {
  live.update((now) => withSorties(now, [sortie]));
  launch.set(null);
  if (draft.get().open) draft.update((now) => ({ ...now, open: false, drawing: false, geometry: null }));
  selectVehicle(sortie.vehicle_id);
}
