/** What a flying vehicle is to do instead of its mission: what is asked, the plan that it gives, and flying it. */

import { api, newKey } from "../api/client";
import type { Diversion, DiversionIn, Proposal, Sortie, SortieState } from "../api/model";
import { failed, Problem } from "../api/problem";
import type { LonLat } from "../geo/geo";
import { mergePatch } from "../plan/mergePatch";
import { keepAsking } from "../state/asking";
import { live } from "../state/connection";
import { createStore } from "../state/store";
import { selectedVehicle, selectVehicle, view } from "../state/view";

export type Kind = DiversionIn["kind"];
/** In the order of the buttons. */
export const KINDS: readonly Kind[] = ["goto", "orbit", "change-altitude", "change-speed", "skip", "replace"];

export interface Manoeuvre {
  vehicleId: string;
  sortieId: string;
  kind: Kind;
  /** What the next click on the map sets; null: nothing. */
  picking: "place" | "look" | null;
  place: LonLat | null;
  look: LonLat | null;
  altM: number | null;
  speedMps: number | null;
  holdS: number | null;
  radiusM: number | null;
  turns: number | null;
  clockwise: boolean;
  /** From 0; null: where the mission was left. */
  waypoint: number | null;
  missionId: string | null;
  /** Goes up to ask the same again: the vehicle has moved on since. */
  again: number;
}

/** `key`: of its execution, the same until there is an answer. `problem`: why the last attempt failed. */
export type Trial =
  | { status: "none" }
  | { status: "asking"; diversion: Diversion | null }
  | { status: "refused"; problem: Problem }
  | { status: "planned"; diversion: Diversion; atMs: number; key: string; problem: Problem | null }
  | { status: "flying"; diversion: Diversion };

export const manoeuvre = createStore<Manoeuvre | null>(null);
export const trial = createStore<Trial>({ status: "none" });

/** As `DIVERTING` of telemetry/commands.py has it. The service decides; this only spares useless buttons. */
const FROM: ReadonlySet<SortieState> = new Set<SortieState>(["on_mission", "diverted", "paused", "held", "returning"]);

export const canDivert = (sortie: Sortie | null | undefined): sortie is Sortie => !!sortie && FROM.has(sortie.state);

const AT_FIRST = {
  look: null,
  altM: null,
  speedMps: null,
  holdS: 120,
  radiusM: 40,
  turns: 1,
  clockwise: true,
  waypoint: null,
  missionId: null,
  again: 0,
} as const;

/** Opens `kind` for the vehicle that flies `sortie`; without `place` the map is asked for one where it needs one. */
export function startManoeuvre({ vehicle_id: vehicleId, sortie_id: sortieId }: Sortie, kind: Kind, place: LonLat | null = null): void {
  const picking = needsPlace(kind) && !place ? "place" : null;
  manoeuvre.set({ ...AT_FIRST, vehicleId, sortieId, kind, place, picking });
  selectVehicle(vehicleId);
}

export const needsPlace = (kind: Kind): boolean => kind === "goto" || kind === "orbit";

export const changeManoeuvre = (part: Partial<Manoeuvre>) => manoeuvre.update((now) => now && { ...now, ...part });

export const closeManoeuvre = () => manoeuvre.set(null);

/** A click on the map; false when it was not waited for. */
export function pickPlace(at: LonLat): boolean {
  const now = manoeuvre.get();
  if (!now?.picking) return false;
  changeManoeuvre({ [now.picking]: at, picking: null });
  return true;
}

/** What goes to the service; null while something is still to be told. What was emptied is left to the service. */
export function askedOf(now: Manoeuvre | null): DiversionIn | null {
  if (!now) return null;
  const { kind, place, look, altM, speedMps, holdS, radiusM, turns, clockwise, waypoint, missionId } = now;
  const execute = false;
  const at = place && { lon_deg: round(place[0]), lat_deg: round(place[1]) };
  switch (kind) {
    case "goto": {
      const looks = look && { look_lon_deg: round(look[0]), look_lat_deg: round(look[1]) };
      return at && { kind, execute, ...at, ...looks, alt_rel_m: altM, hold_s: holdS, speed_mps: speedMps };
    }
    case "orbit":
      if (!at || radiusM === null) return null;
      return { kind, execute, ...at, radius_m: radiusM, turns, clockwise, alt_rel_m: altM, speed_mps: speedMps };
    case "change-altitude":
      return altM === null ? null : { kind, execute, alt_rel_m: altM };
    case "change-speed":
      return speedMps === null ? null : { kind, execute, speed_mps: speedMps };
    case "skip":
      return { kind, execute, waypoint };
    case "replace":
      return missionId === null ? null : { kind, execute, mission_id: missionId };
  }
}

/** To a centimetre: the digits of the wire. */
const round = (deg: number): number => Math.round(deg * 1e7) / 1e7;

/** Takes what the service proposes in place of what was asked: a JSON merge patch of it. */
export function adoptProposal({ change }: Proposal): void {
  const asked = askedOf(manoeuvre.get());
  if (asked) changeManoeuvre(toldBy(mergePatch(asked, change) as DiversionIn));
}

/** The part of a manoeuvre that its question tells; the opposite of `askedOf`. */
export function toldBy(asked: DiversionIn): Partial<Manoeuvre> {
  const told = asked as Partial<Record<string, number | boolean | string | null>>;
  const number = (name: string) => (typeof told[name] === "number" ? told[name] : null);
  const [lon, lat] = [number("lon_deg"), number("lat_deg")];
  return {
    ...(lon !== null && lat !== null ? { place: [lon, lat] as LonLat } : {}),
    ...("alt_rel_m" in told ? { altM: number("alt_rel_m") } : {}),
    ...("speed_mps" in told ? { speedMps: number("speed_mps") } : {}),
    ...("hold_s" in told ? { holdS: number("hold_s") } : {}),
    ...("radius_m" in told ? { radiusM: number("radius_m") } : {}),
    ...("turns" in told ? { turns: number("turns") } : {}),
    ...("waypoint" in told ? { waypoint: number("waypoint") } : {}),
  };
}

/** Keeps `trial` in step with `manoeuvre`, and drops both when their vehicle is left or its flight ends. */
export function keepTrial(): () => void {
  const left = () => {
    const now = manoeuvre.get();
    if (!now) return;
    const gone = selectedVehicle(view.get()) !== now.vehicleId || !canDivert(live.get().sorties.get(now.sortieId));
    if (gone && trial.get().status !== "flying") closeManoeuvre();
  };
  const stops = [
    view.subscribe(left),
    live.subscribe(left),
    keepAsking(
      {
        question: () => askedOf(manoeuvre.get()),
        reads: (asked) => JSON.stringify([asked, manoeuvre.get()?.sortieId, manoeuvre.get()?.again]),
        ask: (asked, signal) => api.divert(manoeuvre.get()?.sortieId ?? "", asked, signal),
        none: () => trial.set({ status: "none" }),
        waiting: () => trial.update((before) => ({ status: "asking", diversion: "diversion" in before ? before.diversion : null })),
        answered: (diversion) => trial.set({ status: "planned", diversion, atMs: Date.now(), key: newKey(), problem: null }),
        refused: (problem) => trial.set({ status: "refused", problem }),
      },
      [manoeuvre],
    ),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** Has the previewed plan flown. The vehicle holds first; whatever fails leaves it holding.
 *
 * A failure is told by `trial`, and thrown when that is not looked at any more.
 */
export async function flyTrial(): Promise<boolean> {
  const now = trial.get();
  const asked = manoeuvre.get();
  if (now.status !== "planned" || !asked) return false;
  const { diversion, key } = now;
  trial.set({ status: "flying", diversion });
  try {
    const flown = await api.executeDiversion(diversion.sortie_id, diversion.diversion_id, key);
    // A repeated key answers with what came of the first attempt, which may have failed.
    if (flown.state === "failed") throw failed(flown.result);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (trial.get().status !== "flying" || selectedVehicle(view.get()) !== asked.vehicleId) throw problem;
    // Only what was never answered is asked for again under the same key.
    trial.set({ ...now, problem, key: problem.slug === "unreachable" ? key : newKey() });
    return false;
  }
  if (manoeuvre.get() === asked) closeManoeuvre();
  return true;
}
