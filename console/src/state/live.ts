/** The live picture as a pure function of the stream's frames. */

import type { Alarm, CommandRecord, LinksTick, Sortie, SortieState, TrafficConflict, VehicleState } from "../api/model";
import type { AirspaceReviewed, FleetEvent, Frame, Position, Severity, TrafficNews } from "../api/stream";
import { distanceM, type LonLat } from "../geo/geo";

/** A vehicle and when (ms; on the clock of this page, of a recording on its own) its record came: ages go on from there. */
export interface Seen {
  state: VehicleState;
  atMs: number;
}

export interface LogEntry {
  key: string;
  at: string;
  severity: Severity;
  vehicleId: string | null;
  sortieId: string | null;
  body: { kind: "text"; code: string; text: string } | { kind: "step"; from: SortieState; to: SortieState; why: string } | { kind: "alarm"; alarm: Alarm } | { kind: "command"; command: CommandRecord };
}

export interface Live {
  epoch: string | null;
  seq: number;
  /** When the last frame came, on the clock of this page; null before the first. */
  frameAtMs: number | null;
  /** Server clock minus page clock. */
  offsetMs: number;
  vehicles: ReadonlyMap<string, Seen>;
  sorties: ReadonlyMap<string, Sortie>;
  tracks: ReadonlyMap<string, readonly Position[]>;
  /** What the newest airspace version means for missions, in short; null: nothing was told since the page opened. */
  review: AirspaceReviewed | null;
  /** Flights of ours that may meet, by the conflict's id. */
  traffic: ReadonlyMap<string, TrafficConflict>;
  /** Open alarms by id; one that is over is an entry of the log. */
  alarms: ReadonlyMap<string, Alarm>;
  /** How the links of each gateway do, by its name. */
  links: ReadonlyMap<string, LinksTick>;
  /** Newest first. */
  log: readonly LogEntry[];
}

export const EMPTY: Live = {
  epoch: null,
  seq: 0,
  frameAtMs: null,
  offsetMs: 0,
  vehicles: new Map(),
  sorties: new Map(),
  tracks: new Map(),
  review: null,
  traffic: new Map(),
  alarms: new Map(),
  links: new Map(),
  log: [],
};

const LOG_LIMIT = 500;
/** Positions closer than this to the track's end add nothing that could be seen. */
const TRACK_STEP_M = 2;
const TRACK_LIMIT = 20_000;
const ENDED: ReadonlySet<SortieState> = new Set(["closed", "refused", "aborted", "lost"]);

export const hasEnded = (sortie: Sortie): boolean => ENDED.has(sortie.state);

/** The picture after `frame`, which came at `nowMs` on the clock of this page. */
export function reduce(live: Live, frame: Frame, nowMs: number): Live {
  const next: Live = {
    ...live,
    epoch: frame.epoch,
    seq: frame.seq,
    frameAtMs: nowMs,
    offsetMs: Date.parse(frame.at) - nowMs,
  };
  switch (frame.type) {
    case "snapshot":
      return {
        ...next,
        vehicles: seen(new Map(), frame.vehicles, nowMs),
        sorties: new Map([...live.sorties, ...frame.sorties.map((sortie) => [sortie.sortie_id, sortie] as const)]),
        tracks: new Map(Object.entries(frame.tracks)),
        links: new Map(frame.links.map((each) => [each.gateway, each])),
        traffic: new Map(frame.traffic.map((each) => [each.id, each])),
        alarms: new Map(frame.alarms.filter(isOpen).map((alarm) => [alarm.id, alarm])),
        log: logCommands(
          logAlarms(
            frame.sorties.reduce((log, sortie) => logSteps(log, sortie), live.log),
            frame.alarms,
          ),
          frame.commands,
        ),
      };
    case "tick":
      return {
        ...next,
        vehicles: seen(live.vehicles, frame.vehicles, nowMs, frame.left),
        tracks: grow(live.tracks, frame.vehicles),
      };
    case "sortie":
      return {
        ...next,
        sorties: new Map(live.sorties).set(frame.sortie.sortie_id, frame.sortie),
        log: logSteps(live.log, frame.sortie),
      };
    case "event":
      return { ...next, log: add(live.log, [entryOf(frame.event, `${frame.epoch}/${frame.seq}`)]) };
    case "alarm":
      return { ...next, alarms: withAlarm(live.alarms, frame.alarm), log: logAlarms(live.log, [frame.alarm]) };
    case "command":
      return { ...next, log: logCommands(live.log, [frame.command]) };
    case "links":
      return { ...next, links: new Map(live.links).set(frame.links.gateway, frame.links) };
    case "airspace-review":
      return { ...next, review: frame.review };
    case "traffic":
      return { ...next, traffic: withTraffic(live.traffic, frame.traffic) };
    case "bye":
    case "unknown":
      return next;
  }
}

/** Adds sorties that a REST answer brought; what the stream said already wins. */
export function withSorties(live: Live, sorties: readonly Sortie[]): Live {
  return { ...live, sorties: new Map([...sorties.map((each) => [each.sortie_id, each] as const), ...live.sorties]) };
}

const isOpen = ({ ended_at }: Alarm): boolean => ended_at === null;

function withAlarm(before: Live["alarms"], alarm: Alarm): Live["alarms"] {
  const after = new Map(before);
  if (isOpen(alarm)) after.set(alarm.id, alarm);
  else after.delete(alarm.id);
  return after;
}

/** Takes over who took note as an answer says it; of an alarm that is over meanwhile nothing is left to note. */
export function withNoted(live: Live, alarm: Alarm): Live {
  return live.alarms.has(alarm.id) ? { ...live, alarms: withAlarm(live.alarms, alarm) } : live;
}

/** Alarms that are over; but a lost link is told by events already, when it goes and when it is back. */
function logAlarms(log: readonly LogEntry[], alarms: readonly Alarm[]): readonly LogEntry[] {
  const known = new Set(log.map(({ key }) => key));
  const entries = alarms.flatMap<LogEntry>((alarm) => {
    const { id: key, ended_at: at, vehicle_id: vehicleId, sortie_id: sortieId } = alarm;
    return at === null || alarm.kind === "link-lost" || known.has(key) ? [] : [{ key, at, severity: "info", vehicleId, sortieId, body: { kind: "alarm", alarm } }];
  });
  return add(log, entries);
}

const WENT_WELL: ReadonlySet<string> = new Set(["issued", "done"]);

/** One entry for each command: how it stands, and in the end how it went, with the autopilot's own words. */
function logCommands(log: readonly LogEntry[], commands: readonly CommandRecord[]): readonly LogEntry[] {
  const known = new Map(log.flatMap(({ body }) => (body.kind === "command" ? [[body.command.id, body.command.state] as const] : [])));
  const entries = commands.flatMap<LogEntry>((command) => {
    const { id: key, state, issued_at, finished_at, vehicle_id: vehicleId, sortie_id: sortieId } = command;
    if (known.get(key) === state || (known.has(key) && state === "issued")) return [];
    return [{ key, at: finished_at ?? issued_at, severity: WENT_WELL.has(state) ? "info" : "warning", vehicleId, sortieId, body: { kind: "command", command } }];
  });
  const told = new Set(entries.map(({ key }) => key));
  return add(entries.length ? log.filter(({ key }) => !told.has(key)) : log, entries);
}

function withTraffic(before: Live["traffic"], { phase, conflict }: TrafficNews): Live["traffic"] {
  const others = [...before].filter(([id]) => id !== conflict.id);
  return new Map(phase === "end" ? others : [...others, [conflict.id, conflict]]);
}

function seen(before: ReadonlyMap<string, Seen>, vehicles: readonly VehicleState[], atMs: number, left: readonly string[] = []): Map<string, Seen> {
  const after = new Map(before);
  for (const id of left) after.delete(id);
  for (const state of vehicles) after.set(state.vehicle_id, { state, atMs });
  return after;
}

function grow(
  before: ReadonlyMap<string, readonly Position[]>,
  vehicles: readonly VehicleState[],
): ReadonlyMap<string, readonly Position[]> {
  let after: Map<string, readonly Position[]> | null = null;
  for (const { sortie_id, lat_deg, lon_deg, alt_rel_m, armed } of vehicles) {
    if (!sortie_id || !armed || lat_deg === null || lon_deg === null) continue;
    const track = before.get(sortie_id) ?? [];
    const end = track.at(-1);
    if (end && distanceM([end[0], end[1]], [lon_deg, lat_deg] satisfies LonLat) < TRACK_STEP_M) continue;
    after ??= new Map(before);
    after.set(sortie_id, [...track.slice(-TRACK_LIMIT + 1), [lon_deg, lat_deg, alt_rel_m ?? 0]]);
  }
  return after ?? before;
}

function entryOf(event: FleetEvent, key: string): LogEntry {
  const { at, severity, code, text, vehicle_id: vehicleId, sortie_id: sortieId } = event;
  return { key, at, severity, vehicleId, sortieId, body: { kind: "text", code, text } };
}

/** An entry for each step of a sortie, in their order. */
export function stepsOf({ sortie_id: sortieId, vehicle_id: vehicleId, transitions }: Sortie): LogEntry[] {
  return transitions.map(({ at, from_state: from, to_state: to, why }, index) => ({
    key: `${sortieId}#${index}`,
    at,
    severity: to === "refused" || to === "lost" ? "critical" : "info",
    vehicleId,
    sortieId,
    body: { kind: "step", from, to, why },
  }));
}

function logSteps(log: readonly LogEntry[], sortie: Sortie): readonly LogEntry[] {
  const known = new Set(log.filter((entry) => entry.sortieId === sortie.sortie_id).map((entry) => entry.key));
  return add(log, stepsOf(sortie).filter((step) => !known.has(step.key)));
}

function add(log: readonly LogEntry[], entries: readonly LogEntry[]): readonly LogEntry[] {
  if (!entries.length) return log;
  return [...entries, ...log].sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, LOG_LIMIT);
}
