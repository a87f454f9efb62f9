/** The temporary no-fly zone that is being drawn, and its way to the service. */

import type { Polygon } from "geojson";
import { api, newKey } from "../api/client";
import type { Publication, ZoneFeature } from "../api/model";
import { boundsOf, circlePolygon, distanceM, type LonLat } from "../geo/geo";
import { draft } from "../plan/draft";
import { loadAirspace, places } from "../state/places";
import { createStore } from "../state/store";
import { openSide } from "../state/view";

export type ZoneShape = { type: "polygon"; polygon: Polygon } | { type: "circle"; center: LonLat; radiusM: number };

export interface ZoneDraft {
  open: boolean;
  pen: "polygon" | "circle";
  drawing: boolean;
  shape: ZoneShape | null;
  name: string;
  /** RFC 3339; null: until it is taken out. */
  until: string | null;
}

/** Long enough for an incident; nobody has to remember to lift it. */
const USUAL_MS = 2 * 3600_000;
/** What an emergency closes the air with; its margin is the kind's. */
const KIND = "temporary-emergency";
const CLOSED: ZoneDraft = { open: false, pen: "polygon", drawing: false, shape: null, name: "", until: null };

export const zoneDraft = createStore<ZoneDraft>(CLOSED);

export const changeZone = (part: Partial<ZoneDraft>) => zoneDraft.update((now) => ({ ...now, ...part }));

/** Takes the pen for a zone; a patrol that is being planned waits. */
export function startZone(nowMs = Date.now()): void {
  // Whole minutes: what the field shows is what is sent.
  const until = new Date(Math.ceil((nowMs + USUAL_MS) / 60_000) * 60_000).toISOString();
  zoneDraft.set({ ...CLOSED, open: true, drawing: true, until });
  openSide({ kind: "zone" });
}

/** Back to the patrol that was being planned, if there is one. */
export function closeZone(): void {
  zoneDraft.set(CLOSED);
  openSide({ kind: draft.get().open ? "planner" : "lists" });
}

export const drawZone = (pen: ZoneDraft["pen"]) => changeZone({ pen, drawing: true, shape: null });

export function takeZone(polygon: Polygon): void {
  zoneDraft.update((now) => ({ ...now, drawing: false, shape: now.pen === "circle" ? circleOf(polygon) : { type: "polygon", polygon } }));
}

/** The circle around a ring that was drawn as one: none of its vertices is left out. */
export function circleOf({ coordinates: [ring = []] }: Polygon): ZoneShape {
  const [west, south, east, north] = boundsOf(ring) ?? [0, 0, 0, 0];
  const center: LonLat = [round7((west + east) / 2), round7((south + north) / 2)];
  const farthest = Math.max(1, ...ring.map(([lon = 0, lat = 0]) => distanceM(center, [lon, lat])));
  return { type: "circle", center, radiusM: Math.ceil(farthest) };
}

export function outlineOf(shape: ZoneShape): Polygon {
  if (shape.type === "polygon") return shape.polygon;
  const { coordinates } = circlePolygon(shape.center, shape.radiusM);
  return { type: "Polygon", coordinates: coordinates.map((ring) => ring.map((at) => at.map(round7))) };
}

/** The resolution of MAVLink, and the finest that the drawing takes. */
const round7 = (degrees: number): number => Math.round(degrees * 1e7) / 1e7;

/** The zone as the airspace takes it. */
export function zoneFeature({ shape, name, until }: ZoneDraft, id: string, announcedAt: string): object | null {
  if (!shape) return null;
  const circle = shape.type === "circle";
  const properties = {
    name: name.trim(),
    role: "exclusion",
    kind: KIND,
    validity: { announced_at: announcedAt, ends_at: until },
    ...(circle ? { radius_m: shape.radiusM } : {}),
  };
  const geometry = circle ? { type: "Point", coordinates: shape.center } : shape.polygon;
  return { type: "Feature", id, geometry, properties };
}

/** Zones that were put in for a time, which a dispatcher may take out again. */
export function temporary(zones: readonly ZoneFeature[]): ZoneFeature[] {
  return zones.filter(({ properties }) => properties.kind.startsWith("temporary-"));
}

/** Publishes the zone. Rejects with a `Problem`; the airspace is then loaded anew, for it may have changed. */
export async function publishZone(now: ZoneDraft): Promise<Publication> {
  const feature = zoneFeature(now, `tmp-${newKey().slice(0, 13)}`, new Date().toISOString());
  return changed({ note: now.name.trim(), add: { type: "FeatureCollection", features: feature ? [feature] : [] } });
}

export async function liftZone({ id, properties }: ZoneFeature): Promise<Publication> {
  return changed({ note: properties.name, remove: [id] });
}

async function changed(body: Parameters<typeof api.changeAirspace>[1]): Promise<Publication> {
  const version = places.get().airspace?.version ?? 0;
  try {
    return await api.changeAirspace(version, body);
  } finally {
    await loadAirspace().catch(() => undefined);
  }
}
