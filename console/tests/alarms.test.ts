import { describe, expect, it } from "vitest";
import type { Alarm } from "../src/api/model";
import { en, zh } from "../src/i18n/messages";
import { isPressing, ordered, worstByVehicle } from "../src/state/alarms";
import { EMPTY, reduce, withNoted } from "../src/state/live";
import { ALARM, frame, snapshotOf } from "./samples";

const NOW = Date.parse("2026-11-23T01:00:00Z");
const snapshot = (...alarms: Alarm[]) => snapshotOf([], [], { alarms });
const told = (seq: number, alarm: Alarm) => frame(seq, { type: "alarm", alarm });
const ended = { ...ALARM, ended_at: "2026-11-23T01:00:30Z" };

describe("alarms", () => {
  const critical = { ...ALARM, id: "a-2", severity: "critical" as const, began_at: "2026-11-23T00:59:00Z" };
  const newer = { ...ALARM, id: "a-3", began_at: "2026-11-23T01:00:05Z" };
  it("stand the gravest first, among equals the newest", () =>
    expect(ordered([ALARM, critical, newer]).map(({ id }) => id)).toEqual(["a-2", "a-3", "a-1"]));
  it("press while they are critical and nobody took note", () => {
    expect(isPressing(critical)).toBe(true);
    expect(isPressing({ ...critical, acknowledged_at: "2026-11-23T01:00:00Z" })).toBe(false);
    expect(isPressing(ALARM)).toBe(false);
  });
  it("mark a vehicle by its gravest, and as pressing by any", () => {
    const noted = { ...critical, id: "a-4", acknowledged_at: "2026-11-23T01:00:00Z" };
    const other = { ...ALARM, vehicle_id: "bl-02" };
    expect(worstByVehicle([ALARM, noted]).get("bl-01")).toEqual({ severity: "critical", pressing: false });
    expect(worstByVehicle([ALARM, noted, critical, other]).get("bl-01")?.pressing).toBe(true);
    expect(worstByVehicle([other]).get("bl-02")).toEqual({ severity: "warning", pressing: false });
  });
});

describe("the picture", () => {
  const started = reduce(EMPTY, snapshot(ALARM), NOW);
  it("holds what is open, and logs what is over once", () => {
    expect([...started.alarms.keys()]).toEqual(["a-1"]);
    expect(started.log).toHaveLength(0);
    const over = reduce(started, told(2, ended), NOW);
    expect(over.alarms.size).toBe(0);
    expect(over.log.map(({ body }) => body.kind)).toEqual(["alarm"]);
    expect(reduce(over, snapshot(ended), NOW).log).toHaveLength(1);
  });
  it("logs nothing of a lost link that is over: events tell when it went and was back", () =>
    expect(reduce(started, told(2, { ...ended, kind: "link-lost" }), NOW).log).toHaveLength(0));
  it("takes over who took note, of one that is still open", () => {
    const noted = { ...ALARM, acknowledged_at: "2026-11-23T01:00:10Z" };
    expect(withNoted(started, noted).alarms.get("a-1")?.acknowledged_at).toBe("2026-11-23T01:00:10Z");
    expect(withNoted(reduce(started, told(2, ended), NOW), noted).alarms.size).toBe(0);
  });
  it("forgets with a snapshot what is over without its being told", () =>
    expect(reduce(started, snapshot(), NOW).alarms.size).toBe(0));
});

describe("the words", () => {
  const kinds = ["link-lost", "stale-telemetry", "low-battery", "gps", "estimate", "vibration", "fence-ahead", "fence-breach", "zone-entered", "fence-off", "mode-surprise"];
  it("name every kind in both languages", () => {
    for (const words of [zh, en] as Record<string, string>[]) for (const kind of kinds) expect(words[`alarm.${kind}`]).toBeTruthy();
  });
});
