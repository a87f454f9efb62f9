import { describe, expect, it } from "vitest";
import { stillFailing } from "../src/airspace/reviews";
import { circleOf, outlineOf, temporary, zoneFeature, type ZoneDraft } from "../src/airspace/zoneDraft";
import type { AirspaceReview, FailingMission, MissionSummary, Validity, ZoneFeature } from "../src/api/model";
import { type Frame, parseFrame, Reader, type WireFrame } from "../src/api/stream";
import { circlePolygon, distanceM, type LonLat } from "../src/geo/geo";
import { countsAt } from "../src/geo/validity";
import { translate, type Translate } from "../src/i18n";
import { bandText } from "../src/i18n/zones";
import { EMPTY, reduce } from "../src/state/live";
import { frame, SORTIE } from "./samples";

const t: Translate = (key, values) => translate("zh", key, values);
const at = (text: string) => Date.parse(text);
const always = { time_zone: "Asia/Shanghai" } satisfies Validity;
const hours = (start: string, end: string, ...days: number[]): Validity => ({ ...always, periods: [{ start, end, ...(days.length ? { days } : {}) }] });

describe("a zone counts", () => {
  it.each<[string, Validity, string, boolean]>([
    ["always without any bound", always, "2026-11-23T01:00:00Z", true],
    ["not before it takes effect", { ...always, effective_at: "2026-11-23T02:00:00Z" }, "2026-11-23T01:59:59Z", false],
    ["to its end", { ...always, ends_at: "2026-11-23T02:00:00Z" }, "2026-11-23T02:00:00Z", true],
    ["not after its end", { ...always, ends_at: "2026-11-23T02:00:00Z" }, "2026-11-23T02:00:01Z", false],
    ["in its hours, on the zone's clock", hours("09:00", "17:00"), "2026-11-23T01:30:00Z", true],
    ["not outside of them", hours("09:00", "17:00"), "2026-11-23T09:30:00Z", false],
    ["past midnight", hours("22:00", "06:00"), "2026-11-22T21:00:00Z", true],
    ["past midnight only after the days that it begins on", hours("22:00", "06:00", 1), "2026-11-22T21:00:00Z", false],
    ["past midnight after its own day (Monday the 23rd)", hours("22:00", "06:00", 1), "2026-11-23T21:00:00Z", true],
    ["for 24 hours where the end is the start", hours("08:00", "08:00", 7), "2026-11-22T23:30:00Z", true],
  ])("%s", (_rule, validity, moment, counts) => expect(countsAt(validity, at(moment))).toBe(counts));
});

describe("a temporary zone", () => {
  const CENTER: LonLat = [121.0123456, 31.1123456];
  const draft: ZoneDraft = { open: true, pen: "circle", drawing: false, shape: null, name: " 火场 ", until: "2026-11-23T03:00:00Z" };

  it("leaves out nothing of the circle that was drawn", () => {
    const ring = circlePolygon(CENTER, 150.4);
    const shape = circleOf(ring);
    if (shape.type !== "circle") throw new Error(shape.type);
    expect(shape.radiusM).toBeGreaterThanOrEqual(150);
    expect(shape.radiusM).toBeLessThanOrEqual(152);
    for (const [lon = 0, lat = 0] of ring.coordinates[0] ?? []) expect(distanceM(shape.center, [lon, lat])).toBeLessThanOrEqual(shape.radiusM);
  });
  it("is drawn with seven decimals at most, or the drawing refuses it", () => {
    const { coordinates } = outlineOf({ type: "circle", center: CENTER, radiusM: 77 });
    for (const value of coordinates.flat(2)) expect(Math.abs(value * 1e7 - Math.round(value * 1e7))).toBeLessThan(1e-4);
  });
  it("is an exclusion for as long as was said, as wide as was drawn", () => {
    const feature = zoneFeature({ ...draft, shape: { type: "circle", center: CENTER, radiusM: 80 } }, "tmp-1", "2026-11-23T01:00:00Z");
    expect(feature).toEqual({
      type: "Feature", id: "tmp-1", geometry: { type: "Point", coordinates: CENTER },
      properties: {
        name: "火场", role: "exclusion", kind: "temporary-emergency", radius_m: 80,
        validity: { announced_at: "2026-11-23T01:00:00Z", ends_at: "2026-11-23T03:00:00Z" },
      },
    });
    expect(zoneFeature(draft, "tmp-1", "")).toBeNull();
  });
  it("can be lifted, a permanent one cannot", () => {
    const zone = (id: string, kind: string) => ({ id, properties: { kind } }) as ZoneFeature;
    expect(temporary([zone("a", "school"), zone("b", "temporary-event")]).map(({ id }) => id)).toEqual(["b"]);
  });
  it("names each end of its band with its own datum", () => {
    expect(bandText({ datum: "agl", floor_m: null, ceiling_m: 120, ceiling_datum: "amsl" }, t)).toBe("地面 – 海拔 120 m");
    expect(bandText({ datum: "agl", floor_m: 30 }, t)).toBe("真高 30 m – 不限");
  });
});

describe("a review of missions", () => {
  const failing = (part: Partial<FailingMission>): FailingMission => ({
    mission_id: "m-1", revision: 1, mission_name: "n", sortie_id: null, vehicle_id: null, conflicts: [], proposal: null, ...part,
  });
  const review = { version: 2, complete: true, failing: [failing({}), failing({ mission_id: "m-2" }), failing({ sortie_id: "s-1" })] } as AirspaceReview;
  const live = { ...EMPTY, sorties: new Map([["s-1", SORTIE]]) };
  const mission = (id: string, revision: number) => ({ mission_id: id, revision }) as MissionSummary;

  it("names those in the air first", () =>
    expect(stillFailing(review, live, []).map(({ sortie_id }) => sortie_id)).toEqual(["s-1", null, null]));
  it("forgets sorties that ended and missions that were changed since", () => {
    const landed = { ...EMPTY, sorties: new Map([["s-1", { ...SORTIE, state: "closed" as const }]]) };
    expect(stillFailing(review, landed, [mission("m-1", 2), mission("m-2", 1)]).map(({ mission_id }) => mission_id)).toEqual(["m-2"]);
  });
  it("comes with the stream, as flights that meet do", () => {
    const news = { version: 3, at: "", severity: "critical", text: "", complete: false, missions_failing: 0, flights_failing: 1, failing: [] } as const;
    const told = reduce({ ...EMPTY, epoch: "e1" }, frame(1, { type: "airspace-review", review: { ...news, failing: [] } }), 0);
    expect(told.review?.version).toBe(3);
    const conflict = { id: "c-1" } as never;
    const met = reduce(told, frame(2, { type: "traffic", traffic: { at: "", phase: "begin", conflict } }), 0);
    expect([...met.traffic.keys()]).toEqual(["c-1"]);
    const over = reduce(met, frame(3, { type: "traffic", traffic: { at: "", phase: "end", conflict } }), 0);
    expect(over.traffic.size).toBe(0);
  });
});

it("a frame of a type that is not known is counted and passed over", () => {
  const unknown = parseFrame('{"type": "weather", "epoch": "e1", "seq": 1, "at": "2026-11-23T01:00:00Z"}');
  const after = reduce({ ...EMPTY, epoch: "e1" }, new Reader().read(unknown as WireFrame) as Frame, 0);
  expect(after.seq).toBe(1);
});
