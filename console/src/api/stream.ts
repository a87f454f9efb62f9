/** Frames of /api/v1/stream as they come and as the console reads them (docs/asyncapi.json; a test compares). */

import type { Alarm, CommandRecord, LinksTick, Sortie, TrafficConflict, VehicleState } from "./model";
import type { ProblemDocument } from "./problem";
import type { components } from "./streamTypes";

interface Envelope {
  epoch: string;
  /** Rises along ticks and news; a resume starts from the last snapshot's or tick's. */
  seq: number;
  at: string;
}

export type Severity = "info" | "warning" | "critical";

export interface FleetEvent {
  at: string;
  severity: Severity;
  code: string;
  text: string;
  vehicle_id: string | null;
  sortie_id: string | null;
  /** Vehicles that the text names besides. */
  others: readonly string[];
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

/** [number, age of the last word in ms, of the position in ms, then the numbers of the field table]. */
export type Row = (number | null)[];
/** A vehicle's number and slow fields: all of them at first, then those that changed. */
export type SlowRecord = { number: number } & Partial<VehicleState>;
export type FieldTable = [name: string, scale: number][];

export interface Gap {
  epoch: string;
  seq: number;
  why: "epoch" | "expired" | "future" | "units";
}

/** `replayed`: of a recording, not of now. */
type News =
  | { type: "sortie"; sortie: Sortie; replayed: boolean }
  | { type: "event"; event: FleetEvent; replayed: boolean }
  | { type: "command"; command: CommandRecord; replayed: boolean }
  | { type: "alarm"; alarm: Alarm; replayed: boolean }
  | { type: "links"; links: LinksTick }
  | { type: "airspace-review"; review: AirspaceReviewed }
  | { type: "traffic"; traffic: TrafficNews }
  | { type: "bye"; code: number; retry_after_s: number | null; problem: ProblemDocument | null }
  | { type: "unknown" };

interface Besides {
  sorties: Sortie[];
  alarms: Alarm[];
  /** The newest ones, newest first. */
  commands: CommandRecord[];
  traffic: TrafficConflict[];
  tracks: Record<string, Position[]>;
  links: LinksTick[];
  gap: Gap | null;
}

/** What a viewer says; a member that it leaves out has the service's default. */
export type Subscribe = { type: "subscribe" } & Partial<components["schemas"]["Subscribe"]>;

/** What the service sends. */
export type WireFrame = Envelope &
  (
    | ({ type: "snapshot"; fields: FieldTable; vehicles: SlowRecord[]; rows: Row[] } & Besides)
    | { type: "resumed"; fields: FieldTable }
    | { type: "tick"; rows: Row[]; changed: SlowRecord[]; gone: number[] }
    | { type: "update"; number: number; row: Row; changed: SlowRecord }
    | News
  );

/** What the console reads: whole records of the vehicles that changed, ids of those that left. */
export type Frame = Envelope &
  (
    | ({ type: "snapshot"; vehicles: VehicleState[] } & Besides)
    | { type: "tick"; vehicles: VehicleState[]; left: string[] }
    | News
  );

const TYPES = new Set(["snapshot", "resumed", "tick", "update", "sortie", "event", "command", "alarm", "links", "airspace-review", "traffic", "bye"]);

/** The frame in a message; of a type that this console does not know (a newer service) only the envelope counts. */
export function parseFrame(text: string): WireFrame | null {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || !("type" in value)) return null;
  return TYPES.has(String(value.type)) ? (value as WireFrame) : ({ ...value, type: "unknown" } as WireFrame);
}

/** Reads frames in their order: puts records together, and knows where a resume starts from. */
export class Reader {
  #records = new Map<number, { state: Partial<VehicleState>; rowMs: number }>();
  #fields: FieldTable = [];
  #newsSeq = -1;
  position: { epoch: string; seq: number } | null = null;

  /** The frame to show; null: it brings nothing, or was had before. */
  read(frame: WireFrame): Frame | null {
    const { epoch, seq, at } = frame;
    switch (frame.type) {
      case "snapshot": {
        if (this.position?.epoch !== epoch) this.#newsSeq = -1;
        this.#newsSeq = Math.max(this.#newsSeq, seq);
        this.#records.clear();
        this.#fields = frame.fields;
        this.position = { epoch, seq };
        const { sorties, alarms, commands, traffic, tracks, links, gap } = frame;
        const vehicles = this.#changed(frame.rows, frame.vehicles, at);
        return { type: "snapshot", epoch, seq, at, vehicles, sorties, alarms, commands, traffic, tracks, links, gap };
      }
      case "resumed":
        this.#fields = frame.fields;
        return null;
      case "tick": {
        const left = frame.gone.flatMap((number) => this.#records.get(number)?.state.vehicle_id ?? []);
        for (const number of frame.gone) this.#records.delete(number);
        this.position = { epoch, seq };
        return { type: "tick", epoch, seq, at, vehicles: this.#changed(frame.rows, frame.changed, at), left };
      }
      case "update":
        return { type: "tick", epoch, seq, at, vehicles: this.#changed([frame.row], [frame.changed], at), left: [] };
      case "bye":
        return frame;
      default:
        if (seq <= this.#newsSeq) return null;
        this.#newsSeq = seq;
        return frame;
    }
  }

  #changed(rows: Row[], records: SlowRecord[], at: string): VehicleState[] {
    const touched = new Set<number>();
    const atMs = Date.parse(at);
    const known = (number: number) => {
      touched.add(number);
      const record = this.#records.get(number) ?? { state: {}, rowMs: atMs };
      this.#records.set(number, record);
      return record;
    };
    for (const { number, ...told } of records) {
      const record = known(number);
      record.state = { ...record.state, ...told };
    }
    for (const row of rows) {
      const record = known(row[0] ?? -1);
      record.state = { ...record.state, ...this.#quick(row, atMs) };
      record.rowMs = atMs;
    }
    return [...touched].flatMap((number) => {
      const { state, rowMs } = this.#records.get(number) ?? { state: {}, rowMs: atMs };
      return isWhole(state) ? [aged(state, (atMs - rowMs) / 1000)] : [];
    });
  }

  #quick([, heardMs, positionMs, ...numbers]: Row, atMs: number): Partial<VehicleState> {
    const told: Record<string, number | string | null> = {
      heard_age_s: scaled(heardMs, 1e-3),
      position_age_s: scaled(positionMs, 1e-3),
      last_heard_at: typeof heardMs === "number" ? new Date(atMs - heardMs).toISOString() : null,
    };
    this.#fields.forEach(([name, scale], index) => {
      told[name] = scaled(numbers[index], scale);
    });
    return told;
  }
}

const isWhole = (state: Partial<VehicleState>): state is VehicleState => state.vehicle_id !== undefined && "heard_age_s" in state;

/** A record whose row was told `sinceS` ago. */
function aged(state: VehicleState, sinceS: number): VehicleState {
  if (sinceS <= 0 || state.heard_age_s === null) return state;
  const position_age_s = state.position_age_s === null ? null : state.position_age_s + sinceS;
  return { ...state, heard_age_s: state.heard_age_s + sinceS, position_age_s };
}

// Dividing by the whole number gives the nearest value; multiplying by 1e-7 would not.
const scaled = (value: number | null | undefined, scale: number): number | null => (typeof value === "number" ? value / Math.round(1 / scale) : null);
