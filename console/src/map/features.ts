/** What the map's sources hold, made from what the service says. */

import type { Feature, FeatureCollection, Geometry, Position } from "geojson";
import type { Airspace, Conflict, Dock, Ghost, Plan, Role, ZoneFeature } from "../api/model";
import { type Bounds, boundsOf, circlePolygon, gridLines, type LonLat, middle } from "../geo/geo";
import { countsAt } from "../geo/validity";
import type { Language } from "../i18n";

const collect = (features: Feature[]): FeatureCollection => ({ type: "FeatureCollection", features });
const feature = (geometry: Geometry, properties: Feature["properties"] = {}): Feature => ({ type: "Feature", geometry, properties });
const point = (coordinates: Position): Geometry => ({ type: "Point", coordinates });
const line = (coordinates: Position[]): Geometry => ({ type: "LineString", coordinates });

export const NOTHING = collect([]);

const named = (language: Language, name: string, nameEn: string | undefined) => (language === "en" && nameEn) || name;

/** A zone's outline; a Point with a radius is a circle. */
export function zoneShape({ geometry, properties }: ZoneFeature): Geometry {
  if (geometry.type === "Polygon") return geometry;
  const [lon = 0, lat = 0] = geometry.coordinates;
  return circlePolygon([lon, lat], properties.radius_m ?? 0);
}

/** `now`: whether a zone counts at `atMs`; one that does not is drawn faintly. `id` leads back to the zone. */
export function zones({ zones: { features } }: Airspace, atMs: number): FeatureCollection {
  return collect(
    features.map((zone) => {
      const { role, validity } = zone.properties;
      return feature(zoneShape(zone), { role, id: zone.id, now: countsAt(validity, atMs) });
    }),
  );
}

const ORDER: Record<Role, number> = { exclusion: 0, "no-film": 1, advisory: 2, inclusion: 3 };

/** Inclusions are as wide as the district: their names would only stand in the way. */
export function zoneLabels({ zones: { features } }: Airspace, language: Language): FeatureCollection {
  const labelled = features.filter(({ properties }) => properties.role !== "inclusion");
  return collect(
    labelled.map((zone) => {
      const { name, name_en, role } = zone.properties;
      const at: Geometry = { type: "Point", coordinates: middle(zoneShape(zone)) };
      return feature(at, { role, order: ORDER[role], label: named(language, name, name_en) });
    }),
  );
}

export function docks(all: readonly Dock[], language: Language): FeatureCollection {
  return collect(
    all.map(({ lon_deg, lat_deg, name, name_en }) =>
      feature({ type: "Point", coordinates: [lon_deg, lat_deg] }, { label: named(language, name, name_en) }),
    ),
  );
}

/** The way out and the way home are `transit`, what lies between is the `work`. */
export function path({ path: { coordinates } }: Plan): FeatureCollection {
  if (coordinates.length < 3) return NOTHING;
  // A mission that lands itself ends with a waypoint over home: the leg to it is the way home.
  const last = coordinates.length - (same(coordinates.at(-1), coordinates.at(-2)) ? 3 : 2);
  if (last < 1) return collect([feature(line(coordinates), { part: "work" })]);
  return collect([
    feature(line(coordinates.slice(0, 2)), { part: "transit" }),
    feature(line(coordinates.slice(last)), { part: "transit" }),
    ...(last > 1 ? [feature(line(coordinates.slice(1, last + 1)), { part: "work" })] : []),
  ]);
}

const same = (a: Position | undefined, b: Position | undefined): boolean => a?.[0] === b?.[0] && a?.[1] === b?.[1];

export function waypoints({ waypoints: steps }: Plan): FeatureCollection {
  return collect(
    steps.map(({ lon_deg, lat_deg, actions, hold_s }, index) =>
      feature(point([lon_deg, lat_deg]), { number: String(index + 1), index, acts: actions.length > 0 || hold_s > 0 }),
    ),
  );
}

export function rally({ rally: points }: Plan, label: string): FeatureCollection {
  return collect(points.map(({ lon_deg, lat_deg }) => feature(point([lon_deg, lat_deg]), { label })));
}

/** The on-board fence: what it holds, and the `wall`s that it keeps out. */
export function fence({ fence: onboard }: Plan): FeatureCollection {
  const polygons = onboard?.polygons.filter(({ ring }) => ring.length > 2) ?? [];
  return collect(
    polygons.map(({ ring, inclusion }) =>
      feature({ type: "Polygon", coordinates: [[...ring, ring[0] as LonLat]] }, { wall: !inclusion }),
    ),
  );
}

export function shapes(geometries: readonly Geometry[]): FeatureCollection {
  return collect(geometries.map((geometry) => feature(geometry)));
}

export function conflicts(all: readonly Conflict[]): FeatureCollection {
  return collect(all.flatMap(({ geometry }) => (geometry ? [feature(geometry)] : [])));
}

/** A name where each conflict lies; those that lie nowhere (the battery) are named together above the path. */
export function conflictLabels({ conflicts: all, path: whole }: Plan, name: (conflict: Conflict) => string): FeatureCollection {
  const placed = all.flatMap((conflict) =>
    conflict.geometry ? [feature(point(middle(conflict.geometry as Geometry)), { label: name(conflict) })] : [],
  );
  const others = all.filter(({ geometry }) => !geometry).map(name);
  const [west, , east, north] = boundsOf(whole.coordinates as Position[]) ?? [0, 0, 0, 0];
  const above = feature(point([(west + east) / 2, north]), { label: others.join("\n") });
  return collect(others.length ? [...placed, above] : placed);
}

export function tracks(lines: readonly { positions: readonly Position[]; selected: boolean }[]): FeatureCollection {
  return collect(
    lines
      .filter(({ positions }) => positions.length > 1)
      .map(({ positions, selected }) => feature(line([...positions]), { selected })),
  );
}

/** What a manoeuvre aims at: the place, what is looked at from there, and the circle around it. */
export function aim(place: LonLat | null, look: LonLat | null, radiusM: number | null): FeatureCollection {
  return collect([
    ...(place && radiusM ? [feature(circlePolygon(place, radiusM), { part: "circle" })] : []),
    ...(place && look ? [feature(line([place, look]), { part: "sight" })] : []),
    ...(place ? [feature(point(place), { part: "place" })] : []),
    ...(look ? [feature(point(look), { part: "look" })] : []),
  ]);
}

/** Where a vehicle that is not heard may be: around each guess what it may be off by, and from where it was last seen. */
export function ghosts(all: readonly { last: LonLat; ghosts: readonly Ghost[] }[], name: (ghost: Ghost) => string): FeatureCollection {
  return collect(
    all.flatMap(({ last, ghosts: guesses }) =>
      guesses.flatMap((ghost) => {
        const at: LonLat = [ghost.lon_deg, ghost.lat_deg];
        const { belief } = ghost;
        return [
          feature(circlePolygon(at, ghost.radius_m), { belief }),
          feature(line([last, at]), { belief }),
          feature(point(at), { belief, label: name(ghost) }),
        ];
      }),
    ),
  );
}

/** Steps of the grid in degrees, about 100 m to 10 km wide, and the zoom from which it is used. */
const GRIDS = [
  [15, 0.001],
  [13.5, 0.0025],
  [12, 0.005],
  [9.5, 0.02],
  [0, 0.1],
] as const;

export function grid(around: Bounds, zoom: number): FeatureCollection {
  const [, step] = GRIDS.find(([from]) => zoom >= from) ?? GRIDS[0];
  return collect(gridLines(around, step).map((each) => feature(each)));
}
