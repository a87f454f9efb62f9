/** Frames of /api/v1/stream; OpenAPI does not describe WebSockets, so these are kept by hand. */

import type { Alarm, LinksTick, Sortie, TrafficConflict, VehicleState } from "./model";
import type { ProblemDocument } from "./problem";

interface Envelope {
  epoch: string;
  seq: number;
  server_time: string;
}

export type Severity = "info" | "warning" | "critical";

export interface FleetEvent {
  at: string;
  severity: Severity;
  code: string;
  text: string;
  vehicle_id: string | null;
  sortie_id: string | null;
}

/** A sortie that an airspace version makes unflyable, in short; the whole is in the version's review. */
export interface FailingFlight {
  sortie_id: string;
  vehicle_id: string;
  mission_id: string;
  revision: number;
  mission_name: string;
  why: string[];
  zone_ids: string[];
  proposal: "replan" | "return" | "hold" | "land" | null;
  proposed_because: string;
}

/** Told when the sorties were looked at for a version, and again when everything was (`complete`). */
export interface AirspaceReviewed {
  version: number;
  at: string;
  severity: Severity;
  text: string;
  complete: boolean;
  missions_failing: number;
  flights_failing: number;
  failing: FailingFlight[];
}

/** Two of our own flights that may come too near to each other: began, changed, or is over. */
export interface TrafficNews {
  at: string;
  phase: "begin" | "change" | "end";
  conflict: TrafficConflict;
}

export type Position = [number, number, ...number[]];

export type Frame = Envelope &
  (
    | { type: "snapshot"; vehicles: VehicleState[]; sorties: Sortie[]; track: Record<string, Position[]>; alarms?: Alarm[] }
    | { type: "tick"; vehicles: VehicleState[] }
    | { type: "sortie"; sortie: Sortie }
    | { type: "event"; event: FleetEvent }
    | { type: "alarm"; alarm: Alarm }
    | { type: "links"; links: LinksTick }
    | { type: "airspace-review"; review: AirspaceReviewed }
    | { type: "traffic"; traffic: TrafficNews }
    | { type: "problem"; problem: ProblemDocument }
    | { type: "unknown" }
  );

const TYPES = new Set(["snapshot", "tick", "sortie", "event", "alarm", "links", "airspace-review", "traffic", "problem"]);

/** The frame in a message; of a type that this console does not know (a newer service) only the envelope counts. */
export function parseFrame(text: string): Frame | null {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || !("type" in value)) return null;
  return TYPES.has(String(value.type)) ? (value as Frame) : ({ ...value, type: "unknown" } as Frame);
}
