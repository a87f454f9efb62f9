/** Reads the area or line that a mission is made from out of a GeoJSON file (RFC 7946). */

import type { LineString, Polygon, Position } from "geojson";
import type { Key } from "../i18n/messages";

export type Imported = { geometry: Polygon | LineString; name: string | null } | { error: Key };

/** Names of the systems whose degrees we may take as they are; RFC 7946 itself knows only the first. */
const GOOD_CRS = /CRS84|EPSG:{1,2}(4326|4490)$/;
/** 1e-7 degree, the resolution of MAVLink and about a centimetre. */
const DECIMALS = 1e7;

/** The first Polygon or LineString in `text`, whether bare, in a Feature or in a FeatureCollection. */
export function importGeoJson(text: string): Imported {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return { error: "import.notJson" };
  }
  if (!crsIsGood(root)) return { error: "import.crs" };
  const found = find(root, null);
  if (!found) return { error: "import.noGeometry" };
  const lines = found.type === "Polygon" ? found.coordinates : [found.coordinates];
  if (!Array.isArray(lines) || !lines.every(isLine)) return { error: "import.range" };
  const [line, ...holes] = lines.map((each) => each.map(round));
  if (!line || line.length < (found.type === "Polygon" ? 4 : 2)) return { error: "import.tooFew" };
  const geometry: Polygon | LineString =
    found.type === "Polygon"
      ? { type: "Polygon", coordinates: [line, ...holes] }
      : { type: "LineString", coordinates: line };
  return { geometry, name: found.name };
}

interface Found {
  type: "Polygon" | "LineString";
  coordinates: unknown;
  name: string | null;
}

function find(node: unknown, name: string | null): Found | null {
  if (!isObject(node)) return null;
  if (node.type === "Polygon" || node.type === "LineString")
    return { type: node.type, coordinates: node.coordinates, name };
  if (node.type === "Feature") return find(node.geometry, nameOf(node.properties));
  if (node.type !== "FeatureCollection" || !Array.isArray(node.features)) return null;
  for (const feature of node.features) {
    const found = find(feature, null);
    if (found) return found;
  }
  return null;
}

function nameOf(properties: unknown): string | null {
  return isObject(properties) && typeof properties.name === "string" ? properties.name : null;
}

/** GeoJSON of 2008 could name a system; silently taking a foreign one would shift the flight. */
function crsIsGood(root: unknown): boolean {
  if (!isObject(root) || !isObject(root.crs)) return true;
  const { properties } = root.crs;
  return isObject(properties) && GOOD_CRS.test(String(properties.name));
}

function isLine(line: unknown): line is Position[] {
  return Array.isArray(line) && line.every(isPosition);
}

function isPosition(value: unknown): value is Position {
  if (!Array.isArray(value)) return false;
  const [lon, lat] = value as unknown[];
  return typeof lon === "number" && typeof lat === "number" && Math.abs(lon) <= 180 && Math.abs(lat) <= 90;
}

function round([lon = 0, lat = 0]: Position): Position {
  return [Math.round(lon * DECIMALS) / DECIMALS, Math.round(lat * DECIMALS) / DECIMALS];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
