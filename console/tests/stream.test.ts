import { describe, expect, it } from "vitest";
import { type AirspaceReviewed, type FailingFlight, type FleetEvent, type Gap, Reader, type TrafficNews, type WireFrame } from "../src/api/stream";
import type { components } from "../src/api/streamTypes";
import { VEHICLE } from "./samples";

const FIELDS: [string, number][] = [["lat_deg", 1e-7], ["lon_deg", 1e-7], ["alt_rel_m", 0.1]];
const QUICK = ["heard_age_s", "position_age_s", "last_heard_at", ...FIELDS.map(([name]) => name)];
const slow = Object.fromEntries(Object.entries(VEHICLE).filter(([name]) => !QUICK.includes(name)));
const envelope = (seq: number, second = 0) => ({ epoch: "e1", seq, at: `2026-11-23T01:00:0${second}Z` });
const ROW = [7, 100, 200, 311_234_567, 1_211_234_567, 605];

const snapshot = {
  ...envelope(5), type: "snapshot", fields: FIELDS, vehicles: [{ number: 7, ...slow }], rows: [ROW], sorties: [], alarms: [], commands: [], traffic: [],
  tracks: {}, links: [], gap: null,
} as unknown as WireFrame;
const tick = (seq: number, second: number, more: object) => ({ ...envelope(seq, second), type: "tick", rows: [], changed: [], gone: [], ...more }) as WireFrame;
const event = (seq: number) => ({ ...envelope(seq), type: "event", event: { text: String(seq) } }) as unknown as WireFrame;

function started(): Reader {
  const reader = new Reader();
  reader.read(snapshot);
  return reader;
}

describe("the reader", () => {
  it("puts a record together from whole numbers and slow fields", () => {
    const frame = new Reader().read(snapshot);
    expect(frame?.type === "snapshot" && frame.vehicles[0]).toMatchObject({
      vehicle_id: "bl-01", mode: "AUTO", lat_deg: 31.1234567, lon_deg: 121.1234567, alt_rel_m: 60.5, heard_age_s: 0.1, position_age_s: 0.2,
      last_heard_at: "2026-11-23T00:59:59.900Z",
    });
  });
  it("keeps what a tick does not name, and lets its age go on", () => {
    const frame = started().read(tick(6, 2, { changed: [{ number: 7, mode: "RTL" }] }));
    expect(frame?.type === "tick" && frame.vehicles[0]).toMatchObject({ mode: "RTL", lat_deg: 31.1234567, heard_age_s: 2.1 });
  });
  it("takes null for what is not known", () => {
    const frame = started().read(tick(6, 1, { rows: [[7, null, null, null, null, null]] }));
    expect(frame?.type === "tick" && frame.vehicles[0]).toMatchObject({ lat_deg: null, heard_age_s: null, last_heard_at: null, mode: "AUTO" });
  });
  it("names those that left", () => {
    const frame = started().read(tick(6, 1, { gone: [7, 8] }));
    expect(frame?.type === "tick" && frame.left).toEqual(["bl-01"]);
  });
  it("takes each news once, and resumes from the last tick", () => {
    const reader = started();
    expect(reader.read(event(6))).not.toBeNull();
    expect(reader.position).toEqual({ epoch: "e1", seq: 5 });
    expect(reader.read(event(6))).toBeNull();
    expect(reader.read(event(7))).not.toBeNull();
    reader.read(tick(8, 1, {}));
    expect(reader.position).toEqual({ epoch: "e1", seq: 8 });
  });
});

/** What the console declares has the members that the service describes, and can read each as described; tsc holds it to that. */
type Told = components["schemas"];
type Of<T> = Extract<WireFrame, { type: T }>;
/** D as C knows it where the description only says "a string" or "an object"; all else stays as it is described. */
type Known<D, C> = D extends null ? null
  : string extends D ? (C extends string ? C : D)
  : D extends Record<string, never> ? (C extends object ? C : D)
  : D extends (infer E)[] ? (C extends readonly (infer F)[] ? (number extends D["length"] ? Known<E, NonNullable<F>>[] : D) : D)
  : D extends object ? { [K in keyof D]: K extends keyof C ? Known<D[K], NonNullable<C[K]>> : D[K] }
  : D;
type Same<A, B> = [keyof A, keyof B, Known<B, A>] extends [keyof B, keyof A, A] ? true : never;
const described: [
  Same<Of<"snapshot">, Told["Snapshot"]>, Same<Of<"resumed">, Told["Resumed"]>, Same<Of<"tick">, Told["Tick"]>,
  Same<Of<"update">, Told["Update"]>, Same<Of<"sortie">, Told["SortieNews"]>, Same<Of<"event">, Told["EventNews"]>,
  Same<Of<"alarm">, Told["AlarmNews"]>, Same<Of<"command">, Told["CommandNews"]>, Same<Of<"links">, Told["LinksNews"]>, Same<Of<"bye">, Told["Bye"]>,
  Same<Of<"airspace-review">, Told["ReviewNews"]>, Same<Of<"traffic">, Told["TrafficFrame"]>,
  Same<FleetEvent, Told["FleetEvent"]>, Same<AirspaceReviewed, Told["AirspaceReviewed"]>, Same<FailingFlight, Told["FailingFlight"]>,
  Same<TrafficNews, Told["TrafficNews"]>, Same<Gap, Told["Gap"]>,
] = [true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true];

it("declares each frame and each news as the service describes it", () => expect(new Set(described)).toEqual(new Set([true])));
