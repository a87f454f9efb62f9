/** What the operator looks at: the selected vehicle or sortie, what is drawn besides the live picture. */

import type { Geometry } from "geojson";
import type { Plan } from "../api/model";
import type { Position } from "../api/stream";
import type { LonLat } from "../geo/geo";
import { createStore } from "./store";

export type Side = { kind: "lists" } | { kind: "planner" } | { kind: "zone" } | { kind: "vehicle"; vehicleId: string };

export type List = "missions" | "sorties" | "links";

export interface View {
  /** What fills the middle: the map, or the forwarding rules over it. */
  page: "map" | "forwarding";
  side: Side;
  /** Which of the lists is open, also when another side has been. */
  list: List;
  /** A stored mission or a flown track that is shown on the map. */
  shown: { missionId: string; plan: Plan } | { sortieId: string; track: Position[] } | null;
}

export const view = createStore<View>({ page: "map", side: { kind: "lists" }, list: "missions", shown: null });

/** What a line of a list speaks of, while it is pointed at. */
export const focus = createStore<readonly Geometry[]>([]);

/** Where the map was asked what can be done there: a place, and pixels from the map's corner; null: nowhere. */
export const mapMenu = createStore<{ place: LonLat; x: number; y: number } | null>(null);

/** Goes up when the alarms are to be looked at. */
export const alarmsWanted = createStore(0);

export const openPage = (page: View["page"]) => view.update((now) => ({ ...now, page }));
/** Also back to the map: the side belongs to it. */
export const openSide = (side: Side) => view.update((now) => ({ ...now, page: "map", side }));
export const openList = (list: List) => view.update((now) => ({ ...now, list }));
export const selectVehicle = (vehicleId: string) => openSide({ kind: "vehicle", vehicleId });
export const showOnMap = (shown: View["shown"]) => view.update((now) => ({ ...now, shown }));

export function selectedVehicle({ side }: View): string | null {
  return side.kind === "vehicle" ? side.vehicleId : null;
}
