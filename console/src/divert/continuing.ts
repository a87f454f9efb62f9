/** Going on with what a sortie broke off: asked for until it is taken or refused, under one key. */

import { api, newKey } from "../api/client";
import type { Sortie } from "../api/model";
import { live } from "../state/connection";
import { hasEnded, withSorties } from "../state/live";
import { createStore } from "../state/store";
import { selectVehicle } from "../state/view";

/** The broken-off sortie that waits for a confirmation to go on, with its key; null: none. */
export const continuing = createStore<{ sortie: Sortie; key: string } | null>(null);

export const canContinue = (sortie: Sortie): boolean => hasEnded(sortie) && brokenOff(sortie) !== null;

/** Where it left its mission; of one that was flown to its end nothing is left to go on with. */
export const brokenOff = ({ outcome, break_point }: Sortie): Sortie["break_point"] => (outcome === "completed" ? null : break_point);

export const startContinuing = (sortie: Sortie) => continuing.set({ sortie, key: newKey() });

/** Asks for the new sortie; once it is taken, its vehicle is shown. */
export async function goOn(vehicleId: string): Promise<void> {
  const now = continuing.get();
  if (!now) return;
  const made = await api.continueSortie(now.sortie.sortie_id, vehicleId, now.key);
  live.update((picture) => withSorties(picture, [made]));
  continuing.set(null);
  selectVehicle(made.vehicle_id);
}
