/** A proof in short, and where on the map a line of it lies. */

import type { Geometry, Position } from "geojson";
import type { Plan, Proof, ProofCheck, ZoneFeature } from "../api/model";
import { zoneShape } from "../map/features";

export interface Summary {
  valid: boolean;
  checks: number;
  failed: number;
  /** The line that comes nearest to a zone, or to the edge of what may be flown in; null: nothing is near. */
  closest: ProofCheck | null;
}

const OF_ZONES = /-(?:exclusion|inclusion)$/;

export function summaryOf({ valid, checks }: Proof): Summary {
  const near = checks.filter(({ rule, gap_m }) => OF_ZONES.test(rule) && !rule.startsWith("fence-") && gap_m !== null);
  const closest = near.reduce<ProofCheck | null>((best, each) => (best && room(best) <= room(each) ? best : each), null);
  return { valid, checks: checks.length, failed: checks.filter(({ ok }) => !ok).length, closest };
}

const room = ({ gap_m }: ProofCheck): number => gap_m ?? Infinity;

/** Lines that do not hold first, then those that measured something, each in the order of the proof. */
export function sorted(checks: readonly ProofCheck[]): ProofCheck[] {
  const weight = ({ ok, gap_m }: ProofCheck) => (ok ? (gap_m === null ? 2 : 1) : 0);
  return [...checks].sort((a, b) => weight(a) - weight(b));
}

/** Where a line lies: the offending place, else its leg, and the zone that it speaks of. */
export function placesOf({ geometry, leg, zone_id }: ProofCheck, { path }: Plan, zones: readonly ZoneFeature[]): Geometry[] {
  const where = geometry ?? legOf(leg, path.coordinates);
  const zone = zones.find(({ id, properties }) => id === zone_id && properties.role !== "inclusion");
  return [...(where ? [where] : []), ...(zone ? [zoneShape(zone)] : [])];
}

/** Leg k runs from place k to k + 1 of the path, whose first and last place are home. */
function legOf(leg: ProofCheck["leg"], path: readonly Position[]): Geometry | null {
  const ends = leg ? path.slice(leg[0], leg[1] + 1) : [];
  return ends.length === 2 ? { type: "LineString", coordinates: ends } : null;
}
