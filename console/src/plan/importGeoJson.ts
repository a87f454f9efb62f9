/** Reads the area, line or points that a mission is made from out of a GeoJSON file (RFC 7946). */

import type { Position } from "geojson";
import type { Drawn } from "../api/model";
import type { Key } from "../i18n/messages";

export type Imported = { geometry: Drawn; name: string | null } | { error: Key };

/** Names of the systems whose degrees we may take as they are; RFC 7946 itself knows only the first. */
const GOOD_CRS = /CRS84|EPSG:{1,2}(4326|4490)$/;
/** 1e-7 degree, the resolution of MAVLink and about a centimetre. */
const DECIMALS = 1e7;

/** The first area, line or points in `text`, whether bare, in a Feature or in a FeatureCollection. Areas and lines go first. */
export function importGeoJson(text: string): Imported {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return { error: "import.notJson" };
  }
  if (!crsIsGood(root)) return { error: "import.crs" };
  const found = find(root, null, LINES) ?? find(root, null, POINTS);
  if (!found) return { error: "import.noGeometry" };
  const { type, name } = found;
  const lines = { Polygon: found.coordinates, LineString: [found.coordinates], MultiPoint: [found.coordinates], Point: [[found.coordinates]] }[type];
  if (!Array.isArray(lines) || !lines.every(isLine)) return { error: "import.range" };
  const [line, ...holes] = lines.map((each) => each.map(round));
  if (!line || line.length < LEAST[type]) return { error: "import.tooFew" };
  return { geometry: made(type, line, holes), name };
}

function made(type: Drawn["type"], line: Position[], holes: Position[][]): Drawn {
  if (type === "Polygon") return { type, coordinates: [line, ...holes] };
  if (type === "Point") return { type, coordinates: line[0] as Position };
  return { type, coordinates: line };
}

const LINES: readonly string[] = ["Polygon", "LineString"];
const POINTS: readonly string[] = ["Point", "MultiPoint"];
const LEAST: Record<Drawn["type"], number> = { Polygon: 4, LineString: 2, Point: 1, MultiPoint: 1 };

interface Found {
  type: Drawn["type"];
  coordinates: unknown;
  name: string | null;
}

function find(node: unknown, name: string | null, types: readonly string[]): Found | null {
  if (!isObject(node)) return null;
  if (types.includes(String(node.type))) return { type: node.type as Found["type"], coordinates: node.coordinates, name };
  if (node.type === "Feature") return find(node.geometry, nameOf(node.properties), types);
  if (node.type !== "FeatureCollection" || !Array.isArray(node.features)) return null;
  for (const feature of node.features) {
    const found = find(feature, null, types);
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
