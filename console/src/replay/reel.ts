/** A recording as values: where it is, and what happened when. Times are milliseconds since 1970. */

import type { Alarm, Replay, Sortie } from "../api/model";
import type { Position } from "../api/stream";
import { hasEnded, type LogEntry, stepsOf } from "../state/live";

/** What is played, and the sorties and alarms that fall into it, as they are known today: the stream tells how they stood. */
export interface Reel {
  fromMs: number;
  toMs: number;
  /** The sortie that is played alone; null: all vehicles. */
  sortie: Sortie | null;
  sorties: readonly Sortie[];
  alarms: readonly Alarm[];
}

/** The line that a sortie flew, with the moment of each of its positions. */
export interface Flown {
  line: readonly Position[];
  atMs: readonly number[];
}

/** The part of the line that was flown by `ms`. */
export function flownBy({ line, atMs }: Flown, ms: number): readonly Position[] {
  const ahead = atMs.findIndex((at) => at > ms);
  return ahead < 0 ? line : line.slice(0, ahead);
}

/** The moment of the recording that is shown, and how it goes on. */
export interface Tape {
  atMs: number;
  speed: number;
  playing: boolean;
  /** When another moment was gone to, on the clock of this page; null: the frames that come are of after that. */
  soughtMs: number | null;
}

export const SPEEDS = [1, 2, 5, 10, 30, 60] as const;
/** What a jump may take, and the recording goes on meanwhile. */
const JUMP_MS = 1_000;
/** Whatever comes after this long is where the service is. */
const GIVE_UP_MS = 3_000;

export const tapeOf = ({ at, speed, playing }: Replay): Tape => ({ atMs: Date.parse(at), speed, playing, soughtMs: null });

/** The tape when a frame of moment `atMs` came at `pageMs`. One of before the jump that is wanted moves nothing. */
export function moved(tape: Tape, atMs: number, pageMs: number): Tape {
  const { soughtMs, speed } = tape;
  if (soughtMs !== null) {
    const sinceMs = pageMs - soughtMs;
    const couldBe = atMs >= tape.atMs && atMs <= tape.atMs + (sinceMs + JUMP_MS) * speed;
    if (!couldBe && sinceMs < GIVE_UP_MS) return tape;
  }
  return atMs === tape.atMs && soughtMs === null ? tape : { ...tape, atMs, soughtMs: null };
}

/** The sorties and alarms of a time: those that had begun before its end and were not over before its beginning. */
export function within({ fromMs, toMs }: Pick<Reel, "fromMs" | "toMs">, sorties: readonly Sortie[], alarms: readonly Alarm[]) {
  const meets = (began: string, ended: string | null | undefined) =>
    Date.parse(began) <= toMs && (ended == null || Date.parse(ended) >= fromMs);
  return {
    sorties: sorties.filter((each) => meets(each.created_at, hasEnded(each) ? each.transitions.at(-1)?.at : null)),
    alarms: alarms.filter(({ began_at, ended_at }) => meets(began_at, ended_at)),
  };
}

/** Steps and alarms of the reel's time, the oldest first. */
export function marksOf({ fromMs, toMs, sorties, alarms }: Reel): LogEntry[] {
  const begun = alarms.map<LogEntry>((alarm) => {
    const { id: key, began_at: at, severity, vehicle_id: vehicleId, sortie_id: sortieId } = alarm;
    return { key, at, severity, vehicleId, sortieId, body: { kind: "alarm", alarm } };
  });
  return inOrder([...sorties.flatMap(stepsOf), ...begun].filter(({ at }) => Date.parse(at) >= fromMs && Date.parse(at) <= toMs));
}

export function inOrder(entries: LogEntry[]): LogEntry[] {
  return entries.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
