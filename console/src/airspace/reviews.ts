/** Which missions the airspace makes unflyable: told by the stream in short, then read in full. */

import { api } from "../api/client";
import type { AirspaceReview, FailingMission, MissionSummary } from "../api/model";
import { Problem } from "../api/problem";
import type { AirspaceReviewed } from "../api/stream";
import { live } from "../state/connection";
import { hasEnded, type Live } from "../state/live";
import { loadAirspace, places } from "../state/places";
import { createStore } from "../state/store";

export interface Review {
  /** The newest that was read in full; null: none, or the airspace in force was never reviewed. */
  full: AirspaceReview | null;
  /** The version whose alert was dismissed. */
  dismissed: number;
}

export const reviews = createStore<Review>({ full: null, dismissed: 0 });

export const dismiss = (version: number) => reviews.update((now) => ({ ...now, dismissed: version }));

/** Reads the review of a version; one that does not exist yet will be told by the stream. */
async function read(version: number): Promise<void> {
  try {
    const full = await api.review(version);
    reviews.update((now) => (now.full && newer(now.full, full) ? now : { ...now, full }));
  } catch (reason) {
    if (!(reason instanceof Problem)) throw reason;
  }
}

const newer = (a: AirspaceReview, b: AirspaceReview) => a.version > b.version || (a.version === b.version && a.complete && !b.complete);

/** Keeps `reviews` and the airspace in step with what the stream tells, until the returned function is called. */
export function keepReviews(): () => void {
  let told: AirspaceReviewed | null = null;
  let loaded = 0;
  const hear = () => {
    const { review } = live.get();
    if (!review || review === told) return;
    told = review;
    void read(review.version);
    if (review.version !== places.get().airspace?.version) void loadAirspace().catch(() => undefined);
  };
  // A page that opens after the event learns of it from the version in force.
  const arrive = () => {
    const version = places.get().airspace?.version ?? 0;
    if (version === loaded) return;
    loaded = version;
    if (version) void read(version);
  };
  const stops = [live.subscribe(hear), places.subscribe(arrive)];
  hear();
  arrive();
  return () => {
    for (const stop of stops) stop();
  };
}

/** What still fails of a review: a sortie that ended and a mission with a newer revision need nothing any more. Airborne first. */
export function stillFailing({ failing }: AirspaceReview, { sorties }: Live, missions: readonly MissionSummary[]): FailingMission[] {
  const open = failing.filter(({ sortie_id, mission_id, revision }) => {
    if (sortie_id !== null) {
      const sortie = sorties.get(sortie_id);
      return !sortie || !hasEnded(sortie);
    }
    const mission = missions.find((each) => each.mission_id === mission_id);
    return !mission || mission.revision === revision;
  });
  return [...open.filter(({ sortie_id }) => sortie_id !== null), ...open.filter(({ sortie_id }) => sortie_id === null)];
}
