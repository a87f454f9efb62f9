import { describe, expect, it } from "vitest";
import { parseFrame } from "../src/api/stream";
import { EMPTY, reduce, withSorties } from "../src/state/live";
import { COMMAND, frame, snapshotOf, SORTIE, VEHICLE } from "./samples";

const NOW = Date.parse("2026-11-23T01:00:00Z");
const snapshot = snapshotOf([VEHICLE], [SORTIE], { tracks: { "s-1": [[121.12, 31.15, 60]] } });
const started = reduce(EMPTY, snapshot, NOW);

describe("a snapshot", () => {
  it("holds everything and starts the count", () => {
    expect(started.vehicles.get("bl-01")).toEqual({ state: VEHICLE, atMs: NOW });
    expect(started.sorties.get("s-1")).toBe(SORTIE);
    expect(started).toMatchObject({ epoch: "e1", seq: 1, frameAtMs: NOW, offsetMs: 2000 });
  });
  it("drops vehicles that are gone but keeps older sorties", () => {
    const next = reduce(started, { ...snapshotOf([]), epoch: "e2" }, NOW);
    expect(next.vehicles.size).toBe(0);
    expect(next.sorties.has("s-1")).toBe(true);
  });
  it("logs the steps of its sorties once", () => {
    expect(started.log).toHaveLength(1);
    expect(reduce(started, { ...snapshot, seq: 2 }, NOW).log).toHaveLength(1);
  });
});

describe("a tick", () => {
  const moved = { ...VEHICLE, lat_deg: 31.1501 };
  const next = reduce(started, frame(2, { type: "tick", vehicles: [moved], left: [] }), NOW + 200);
  it("replaces the vehicle and lets its track grow", () => {
    expect(next.vehicles.get("bl-01")).toEqual({ state: moved, atMs: NOW + 200 });
    expect(next.tracks.get("s-1")).toHaveLength(2);
  });
  it("leaves the tracks alone while a vehicle hardly moves or stands disarmed", () => {
    const still = frame(3, { type: "tick", vehicles: [{ ...moved, lat_deg: 31.150101 }], left: [] });
    expect(reduce(next, still, NOW).tracks).toBe(next.tracks);
    const parked = frame(3, { type: "tick", vehicles: [{ ...moved, lat_deg: 31.2, armed: false }], left: [] });
    expect(reduce(next, parked, NOW).tracks).toBe(next.tracks);
  });
  it("keeps vehicles that it does not name", () => {
    const other = frame(3, { type: "tick", vehicles: [{ ...VEHICLE, vehicle_id: "bl-02" }], left: [] });
    expect([...reduce(next, other, NOW).vehicles.keys()]).toEqual(["bl-01", "bl-02"]);
  });
  it("drops those that left", () => {
    expect(reduce(next, frame(3, { type: "tick", vehicles: [], left: ["bl-01"] }), NOW).vehicles.size).toBe(0);
  });
});

describe("sorties and events", () => {
  it("logs new steps, newest first, losses as critical", () => {
    const lost = { at: "2026-11-23T01:00:09Z", from_state: "preflight", to_state: "lost", by: "gateway", why: "silent" } as const;
    const sortie = { ...SORTIE, state: "lost" as const, transitions: [...SORTIE.transitions, lost] };
    const next = reduce(started, frame(2, { type: "sortie", sortie }), NOW);
    expect(next.log.map(({ severity }) => severity)).toEqual(["critical", "info"]);
  });
  it("keeps the order of time among events", () => {
    const event = (at: string) => ({ at, severity: "info", code: "statustext", text: at, vehicle_id: null, sortie_id: null, others: [] }) as const;
    const late = reduce(started, frame(2, { type: "event", event: event("2026-11-23T01:00:08Z") }), NOW);
    const both = reduce(late, frame(3, { type: "event", event: event("2026-11-23T01:00:05Z") }), NOW);
    expect(both.log.map(({ at }) => at.slice(17, 19))).toEqual(["08", "05", "01"]);
  });
  it("lets the stream win over an older REST answer", () => {
    const next = withSorties(started, [{ ...SORTIE, state: "planned" }, { ...SORTIE, sortie_id: "s-0" }]);
    expect(next.sorties.get("s-1")?.state).toBe("preflight");
    expect(next.sorties.size).toBe(2);
  });
});

describe("a command", () => {
  const refused = { ...COMMAND, state: "failed", result: "refused", texts: ["Arm: Compass"], finished_at: "2026-11-23T01:00:06Z" };
  const issued = reduce(started, frame(2, { type: "command", command: COMMAND }), NOW);
  const ended = reduce(issued, frame(3, { type: "command", command: refused }), NOW);
  const shown = ({ log }: typeof started) => log.flatMap(({ body, severity }) => (body.kind === "command" ? [[body.command.state, severity]] : []));
  it("is one entry of the log, which says in the end how it went", () => {
    expect(shown(issued)).toEqual([["issued", "info"]]);
    expect(shown(ended)).toEqual([["failed", "warning"]]);
  });
  it("does not go back, and is not told twice by the next snapshot", () => {
    expect(reduce(ended, frame(4, { type: "command", command: COMMAND }), NOW).log).toBe(ended.log);
    expect(shown(reduce(ended, snapshotOf([VEHICLE], [SORTIE], { commands: [refused] }), NOW))).toEqual([["failed", "warning"]]);
  });
});

describe("parseFrame", () => {
  it("passes over what frames of a newer service say, but not over their number", () => expect(parseFrame('{"type":"weather","seq":3}')).toEqual({ type: "unknown", seq: 3 }));
  it("reads the ones it knows", () => expect(parseFrame(JSON.stringify(snapshot))).toEqual(snapshot));
});
