/** Geometry on the map: circles, distances, bounds, grids. Positions are [lon, lat] in degrees, WGS-84. */

import type { Geometry, LineString, Polygon, Position } from "geojson";

export type LonLat = [number, number];
/** [west, south, east, north] */
export type Bounds = [number, number, number, number];

/** Mean radius (IUGG); for drawing only, the service computes on the ellipsoid. */
const EARTH_M = 6_371_008.8;
const RAD = Math.PI / 180;

export function distanceM([lon1, lat1]: LonLat, [lon2, lat2]: LonLat): number {
  const x = Math.sin(((lat2 - lat1) * RAD) / 2);
  const y = Math.sin(((lon2 - lon1) * RAD) / 2);
  const h = x * x + Math.cos(lat1 * RAD) * Math.cos(lat2 * RAD) * y * y;
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** The place `meters` away from `[lon, lat]` in the direction `bearing` (degrees from north, clockwise). */
export function destination([lon, lat]: LonLat, bearing: number, meters: number): LonLat {
  const angle = meters / EARTH_M;
  const sinLat = Math.sin(lat * RAD) * Math.cos(angle) + Math.cos(lat * RAD) * Math.sin(angle) * Math.cos(bearing * RAD);
  const east = Math.sin(bearing * RAD) * Math.sin(angle) * Math.cos(lat * RAD);
  const north = Math.cos(angle) - Math.sin(lat * RAD) * sinLat;
  return [lon + Math.atan2(east, north) / RAD, Math.asin(sinLat) / RAD];
}

/** A circle as a closed polygon of `sides` edges, counter-clockwise (RFC 7946). */
export function circlePolygon(center: LonLat, radiusM: number, sides = 72): Polygon {
  const ring = Array.from({ length: sides }, (_, i) => destination(center, (-360 * i) / sides, radiusM));
  return { type: "Polygon", coordinates: [[...ring, ring[0] as LonLat]] };
}

/** Every position of a geometry, whatever its type. */
export function positions(geometry: Geometry): Position[] {
  switch (geometry.type) {
    case "Point":
      return [geometry.coordinates];
    case "MultiPoint":
    case "LineString":
      return geometry.coordinates;
    case "MultiLineString":
    case "Polygon":
      return geometry.coordinates.flat();
    case "MultiPolygon":
      return geometry.coordinates.flat(2);
    case "GeometryCollection":
      return geometry.geometries.flatMap(positions);
  }
}

/** The smallest box around all of `points`; null when there are none. */
export function boundsOf(points: readonly Position[]): Bounds | null {
  if (!points.length) return null;
  const box: Bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [lon = 0, lat = 0] of points) {
    box[0] = Math.min(box[0], lon);
    box[1] = Math.min(box[1], lat);
    box[2] = Math.max(box[2], lon);
    box[3] = Math.max(box[3], lat);
  }
  return box;
}

/** Where a label of the geometry sits: the middle of its box. */
export function middle(geometry: Geometry): LonLat {
  const [west, south, east, north] = boundsOf(positions(geometry)) ?? [0, 0, 0, 0];
  return [(west + east) / 2, (south + north) / 2];
}

/** Degrees from `from` to `to` the short way round, in (-180, 180]. */
export function turn(from: number, to: number): number {
  const delta = (((to - from) % 360) + 360) % 360;
  return delta > 180 ? delta - 360 : delta;
}

/** Lines of a reference grid every `stepDeg` over `bounds`, so that an empty map still shows its scale. */
export function gridLines([west, south, east, north]: Bounds, stepDeg: number): LineString[] {
  const lines: LineString[] = [];
  for (let lon = Math.ceil(west / stepDeg) * stepDeg; lon <= east; lon += stepDeg)
    lines.push({ type: "LineString", coordinates: [[lon, south], [lon, north]] });
  for (let lat = Math.ceil(south / stepDeg) * stepDeg; lat <= north; lat += stepDeg)
    lines.push({ type: "LineString", coordinates: [[west, lat], [east, lat]] });
  return lines;
}
