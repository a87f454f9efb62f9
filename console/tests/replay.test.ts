import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { api } from "../src/api/client";
import type { Alarm, Sortie } from "../src/api/model";
import { Problem } from "../src/api/problem";
import { standing } from "../src/i18n/wording";
import { flownBy, marksOf, moved, type Reel, within } from "../src/replay/reel";
import { shownAt } from "../src/replay/replaying";
import { live } from "../src/state/connection";
import { positionAgeS } from "../src/state/freshness";
import { EMPTY } from "../src/state/live";
import { picture, pictureMs, replayed } from "../src/state/picture";
import { ALARM, frame, snapshotOf, SORTIE, VEHICLE } from "./samples";

const at = (time: string) => `2026-11-20T${time}Z`;
const ms = (time: string) => Date.parse(at(time));
const step = (time: string, from_state: Sortie["state"], to_state: Sortie["state"]) => ({ at: at(time), from_state, to_state, by: "gateway", why: "" });

const FLOWN: Sortie = {
  ...SORTIE, created_at: at("08:00:00"), state: "closed", outcome: "completed", armed_at: at("08:00:20"), landed_at: at("08:09:00"),
  transitions: [
    step("08:00:05", "assigned", "preflight"), step("08:00:20", "ready", "taking_off"), step("08:00:40", "taking_off", "on_mission"),
    step("08:07:00", "on_mission", "returning"), step("08:09:05", "landed", "closed"),
  ],
};
const LOW: Alarm = { ...ALARM, began_at: at("08:05:00"), ended_at: at("08:06:00"), acknowledged_at: at("08:05:30"), acknowledged_by: "w" };
const SPAN = { fromMs: ms("08:00:20"), toMs: ms("08:09:00") };
const REEL: Reel = { ...SPAN, sortie: FLOWN, sorties: [FLOWN], alarms: [LOW] };
const REPLAYED = { ...VEHICLE, link: "replayed" as const };

describe("the tape", () => {
  const tape = { atMs: ms("08:01:00"), speed: 10, playing: true, soughtMs: null };
  const sought = { ...tape, soughtMs: 50_000 };
  const after = (from: typeof sought | typeof tape, time: string, pageMs = 51_000) => moved(from, ms(time), pageMs).atMs;

  it.each(["08:01:02", "08:00:10", "08:08:00"])("is where the frames are, wherever that is: %s", (time) => expect(after(tape, time)).toBe(ms(time)));
  it.each(["08:00:59", "08:08:00"])("is not moved back by a frame of before a jump: %s", (time) => expect(after(sought, time)).toBe(tape.atMs));
  it.each(["08:01:00", "08:01:20"])("goes on with the first frame of after a jump: %s", (time) => {
    const gone = moved(sought, ms(time), 51_000);
    expect([gone.atMs, gone.soughtMs]).toEqual([ms(time), null]);
    expect(after(gone, "08:00:30")).toBe(ms("08:00:30"));
  });
  it("believes the service when its answer to a jump never comes", () => expect(after(sought, "08:08:00", 53_000)).toBe(ms("08:08:00")));
  it("stays the same value while nothing moves", () => expect(moved(tape, tape.atMs, 51_000)).toBe(tape));
});

describe("a vehicle of a recording", () => {
  it("does what its sortie did then, and on the ground claims nothing", () => {
    expect(standing(REPLAYED, "state.on_mission").key).toBe("state.on_mission");
    expect(standing({ ...REPLAYED, landed: "on_ground", armed: false, ready: false }, null)).toEqual({ key: "vehicle.ground", tone: "idle" });
  });
});

describe("what else is known of its time", () => {
  const other = { ...FLOWN, sortie_id: "s-2", created_at: at("09:00:00"), transitions: [step("09:00:01", "assigned", "preflight")] };
  const flying = { ...other, sortie_id: "s-3", created_at: at("07:00:00"), state: "on_mission" as const };
  it("leaves out what was over before or began after", () => {
    const { sorties, alarms } = within(SPAN, [FLOWN, other, flying], [LOW, { ...LOW, began_at: at("08:09:01"), ended_at: null }]);
    expect(sorties.map(({ sortie_id }) => sortie_id)).toEqual(["s-1", "s-3"]);
    expect(alarms).toEqual([LOW]);
  });
  it("is marked in the order of time, within the reel", () => {
    expect(marksOf(REEL).map((mark) => mark.at.slice(11, 19))).toEqual(["08:00:20", "08:00:40", "08:05:00", "08:07:00"]);
  });
});

describe("the picture", () => {
  afterEach(() => {
    replayed.set(null);
    live.set(EMPTY);
  });
  const shown = (time: string) => shownAt(EMPTY, { ...snapshotOf([REPLAYED], [FLOWN], { alarms: [LOW] }), at: at(time) });

  it("is the recording's while one is played, and tells nobody of what is live", () => {
    const heard = vi.fn();
    const stop = picture.subscribe(heard);
    replayed.set(shown("08:05:10"));
    live.update((now) => ({ ...now, seq: 7 }));
    expect(heard).toHaveBeenCalledTimes(1);
    expect(picture.get().vehicles.get("bl-01")?.state.link).toBe("replayed");
    replayed.set(null);
    expect(picture.get()).toBe(live.get());
    stop();
  });
  it("ages in the recording's time: a pause makes nothing older", () => {
    replayed.set(shown("08:05:10"));
    const seen = picture.get().vehicles.get("bl-01");
    expect(seen && positionAgeS(seen, pictureMs(Date.now() + 60_000))).toBeCloseTo(0.2);
    replayed.update((now) => now && shownAt(now, { ...frame(2, { type: "tick", vehicles: [], left: [] }), at: at("08:05:16") }));
    expect(seen && positionAgeS(seen, pictureMs(Date.now()))).toBeCloseTo(6.2);
  });
  it("keeps nothing of before a jump: its snapshot tells how things stood", () => {
    const later = shown("08:08:00");
    expect([later.sorties.size, later.log.length]).toEqual([1, FLOWN.transitions.length + 1]);
    const back = shownAt(later, { ...snapshotOf([]), seq: 9, at: at("08:00:21") });
    expect([back.sorties.size, back.vehicles.size, back.log]).toEqual([0, 0, []]);
    expect(back.frameAtMs).toBe(ms("08:00:21"));
  });
});

describe("while a recording is shown", () => {
  const sent = vi.fn(async () => new Response("{}", { status: 200, headers: { "content-type": "application/json" } }));
  beforeEach(() => {
    vi.stubGlobal("fetch", sent);
    sent.mockClear();
    replayed.set(EMPTY);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    replayed.set(null);
  });
  const orders: [string, () => Promise<unknown>][] = [
    ["a command", () => api.command("bl-01", "land")],
    ["a launch", () => api.launch("m-1", 1, "bl-01", "k")],
    ["a manoeuvre", () => api.executeDiversion("s-1", "d-1", "k")],
    ["going on with a sortie", () => api.continueSortie("s-1", "bl-01", "k")],
    ["safety parameters", () => api.applySafety("bl-01")],
    ["a zone", () => api.changeAirspace(1, { note: "" })],
    ["a forwarding rule's end", () => api.removeForwarding("r-1")],
  ];
  it.each(orders)("%s never leaves the page", async (_what, order) => {
    const refused = await order().catch((reason: unknown) => reason);
    expect(refused).toBeInstanceOf(Problem);
    expect((refused as Problem).slug).toBe("not-live");
    expect(sent).not.toHaveBeenCalled();
    replayed.set(null);
    await order();
    expect(sent).toHaveBeenCalledTimes(1);
  });
  it("the replay itself is steered", async () => {
    await api.changeReplay("replay-1", { speed: 10 });
    expect(sent).toHaveBeenCalledTimes(1);
  });
});

describe("the line of a sortie", () => {
  const flown = { line: [[121, 31, 0], [121.1, 31, 60], [121.2, 31, 60]] as [number, number, number][], atMs: [ms("08:01:00"), ms("08:02:00"), ms("08:03:00")] };
  it.each([["08:00:59", 0], ["08:01:00", 1], ["08:02:30", 2], ["08:03:00", 3], ["08:09:00", 3]] as const)("is flown by %s up to position %i", (time, positions) =>
    expect(flownBy(flown, ms(time))).toHaveLength(positions),
  );
});
