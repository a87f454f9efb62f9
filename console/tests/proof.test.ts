import { describe, expect, it } from "vitest";
import type { Plan, Proof, ProofCheck, ZoneFeature } from "../src/api/model";
import { type Language, translate, type Translate } from "../src/i18n";
import { actionText, waypointFacts } from "../src/i18n/actions";
import { conflictFacts } from "../src/i18n/conflictFacts";
import { foundText, ruleText } from "../src/i18n/proof";
import { said } from "../src/i18n/phrases";
import { airborneText, conflictText } from "../src/i18n/wording";
import { fence, path, zones } from "../src/map/features";
import { placesOf, sorted, summaryOf } from "../src/plan/proof";
import { CONFLICT } from "./samples";

const speak = (to: Language): Translate => (key, values) => translate(to, key, values);
const t = speak("zh");
const line = (rule: string, part: Partial<ProofCheck> = {}): ProofCheck => ({
  rule, ok: true, detail: "", gap_m: null, needed_m: null, zone_id: null, leg: null, geometry: null, ...part,
});
const CHECKS = [
  line("mission-hash"),
  line("ceiling", { gap_m: 5, needed_m: 5 }),
  line("fence-exclusion", { gap_m: 1, needed_m: 0, zone_id: "z" }),
  line("leg-exclusion", { gap_m: 12.3, needed_m: 10, zone_id: "z", leg: [1, 2], detail: "The leg 1 → 2 has the least room: 12.3 m." }),
  line("return-inclusion", { gap_m: 3570, needed_m: 50, leg: [0, 1], detail: "The straight return from the leg home → 1 has the least room." }),
];
const proof = (checks: ProofCheck[]) => ({ valid: checks.every(({ ok }) => ok), checks }) as Proof;
const PATH = { coordinates: [[0, 0], [1, 0], [2, 0], [2, 1], [0, 0], [0, 0]] };
const ZONE = { id: "z", geometry: { type: "Point", coordinates: [5, 5] }, properties: { role: "exclusion", radius_m: 10, validity: { time_zone: "Asia/Shanghai", ends_at: "2026-11-23T02:00:00Z" } } };

describe("a proof in short", () => {
  it("says how near the flight comes to a zone, not how near its fence does", () => {
    expect(summaryOf(proof(CHECKS))).toMatchObject({ valid: true, checks: 5, failed: 0, closest: { rule: "leg-exclusion", gap_m: 12.3 } });
    expect(summaryOf(proof([line("items")])).closest).toBeNull();
  });
  it("lists what does not hold before what was measured before the rest", () => {
    const bad = line("energy", { ok: false });
    expect(sorted([...CHECKS, bad]).map(({ rule }) => rule)).toEqual(["energy", "ceiling", "fence-exclusion", "leg-exclusion", "return-inclusion", "mission-hash"]);
  });
  it("shows a line on the map by its leg and its zone, or by its own place", () => {
    const plan = { path: PATH } as unknown as Plan;
    const [, , , leg] = CHECKS;
    const [where, zone] = placesOf(leg as ProofCheck, plan, [ZONE as unknown as ZoneFeature]);
    expect(where).toEqual({ type: "LineString", coordinates: [[1, 0], [2, 0]] });
    expect(zone?.type).toBe("Polygon");
    const point = { type: "Point" as const, coordinates: [7, 7] };
    expect(placesOf(line("x", { geometry: point, leg: [0, 1] }), plan, [])).toEqual([point]);
    expect(placesOf(line("items"), plan, [])).toEqual([]);
  });
});

describe("the words of a proof", () => {
  // missions/prove/rules.py
  const MOVEMENTS = ["leg", "turn", "column", "climb", "return", "retrace", "landing"];
  const RULES = [
    "items", "waypoints-agree", "mission-hash", "fence-hash", "rally-hash", "autopilot-limits", "speed", "energy", "time", "reach", "lands-at-home",
    "retrace-buffer", "terrain-data", "ceiling", "ground-clearance", "inclusion-band", "permission", "fence-items", "fence-limits", "fence-shape",
    "fence-agrees", "fence-holds-flight", "fence-exclusion", "fence-inclusion", "fence-ceiling", "rally-items", "no-film",
    ...MOVEMENTS.flatMap((movement) => [`${movement}-exclusion`, `${movement}-inclusion`]),
  ];
  it("know every rule, in both languages", () => {
    for (const rule of RULES) for (const to of ["zh", "en"] as const) expect(ruleText(rule, speak(to)), rule).not.toBe(rule);
  });
  it("leave a rule that is new its name", () => expect(ruleText("new-rule", t)).toBe("new-rule"));
  it("say where, how near and how near it may be", () => {
    const [, , , leg, home] = CHECKS as [ProofCheck, ProofCheck, ProofCheck, ProofCheck, ProofCheck];
    expect(foundText(leg, 3, "学校", t, "zh")).toBe("航段 1→2 · 12.3 m，须 10.0 m · 学校");
    expect(foundText(home, 3, null, t, "zh")).toBe("航段 起飞点→1 直线返航 · 3.57 km，须 50.0 m");
  });
  it("are not English in Chinese where nothing was measured", () => {
    expect(foundText(line("items", { detail: "An unknown sentence." }), 3, null, t, "zh")).toBe("");
    expect(foundText(line("items", { detail: "43 items are a flight of 12 waypoints." }), 3, null, t, "zh")).toBe("43 项，12 个航点");
    expect(foundText(line("items", { detail: "An unknown sentence.", ok: false }), 3, null, t, "zh")).toBe("An unknown sentence.");
  });
});

describe("conflicts", () => {
  it.each([
    ["turn-crosses-exclusion", "航段 3→4 后转弯穿越禁飞区 “学校”"],
    ["films-in-no-film-zone", "航段 3→4 在禁拍区内开着相机 “学校”"],
    ["not-proven-fence-holds-flight", "不成立：围栏容得下全程 “学校”"],
    ["proof-energy", "不成立：电量足够且保留余量 “学校”"],
    ["leg-exclusion", "不成立：航段避开禁飞区 “学校”"],
  ])("%s", (code, text) => expect(conflictText({ ...CONFLICT, code }, 9, t)).toBe(text));
  it("of a flight in the air count their legs from where it is", () => {
    const legs = ([[0, 1], [1, 2], [2, 3]] as const).map(([from, to]) => airborneText({ ...CONFLICT, leg: [from, to] }, t).split(" 穿越")[0]);
    expect(legs).toEqual(["返航段", "当前位置→下一航点", "前方第 2 段"]);
  });
  it.each([
    ["No on-board fence of at most 70 points and 560 bytes holds this flight and its ways home; the narrowest place leaves 3.2 m.", "最窄处只余 3.2 m"],
    ["The way home can only be the path flown, and the autopilot remembers about 100 corners; this path has 120.", "航迹 120 个拐点，飞控约记 100 个"],
    ["The flight takes 110 Wh, 118 Wh in 5 of 100 cases; with a reserve of 25% that is 105 % of the 148 Wh of quad-3kg: it would land with 20 %.", "需 105%，已含 25% 余量"],
    ["Between 01:00:10 and 01:00:30 UTC the flight may come within 12.0 m of 巡查 B, 3.0 m above or below it (60 to 70 m AMSL); it needs 30.0 m or 14.0 m.", "09:00:10–09:00:30 与 巡查 B 相距仅 12.0 m（须 30.0 m）"],
  ])("%s", (detail, facts) => expect(conflictFacts(detail, t)).toBe(facts));
});

describe("sentences about ways out", () => {
  it.each([
    ["The straight way home from where it is keeps clear.", "由当前位置直线返航无冲突"],
    ["What is left can be flown in 955 m by ways that keep clear.", "剩余部分可绕飞，955 m"],
    ["Depart 120 s later, at 01:02:00 UTC.", "推迟 120 秒，09:02:00 起飞"],
    ["is 3; it must be from 5 to 500", "3 超出范围，须在 5 至 500 之间"],
  ])("%s", (text, chinese) => expect(said(text, "zh")).toBe(chinese));
});

describe("what is done at a waypoint", () => {
  it("is said with its value, and its end as an end", () => {
    const act = (kind: "photo-every" | "gimbal" | "video", value: number) => actionText({ kind, value, place: null, alt_rel_m: 0 }, t);
    expect([act("photo-every", 20), act("photo-every", 0), act("gimbal", -75), act("video", 1), act("video", 0)]).toEqual(["每 20 m 拍照", "停止拍照", "云台 -75°", "开始录像", "停止录像"]);
  });
  it("follows height, time and stay", () => {
    expect(waypointFacts({ lat_deg: 0, lon_deg: 0, alt_rel_m: 60, hold_s: 15, actions: [] }, 75, t)).toEqual(["相对起飞点 60 m · 起飞后 1:15", "停留 15 s"]);
  });
});

describe("on the map", () => {
  it("the way out and the way home are transit, also where the mission lands itself", () => {
    const parts = path({ path: PATH } as unknown as Plan).features.map(({ properties, geometry }) => [properties?.part, (geometry as { coordinates: unknown[] }).coordinates.length]);
    expect(parts).toEqual([["transit", 2], ["transit", 3], ["work", 3]]);
  });
  it("a zone that does not count now is known as such", () => {
    const airspace = { zones: { features: [ZONE] } } as never;
    const now = (moment: string) => zones(airspace, Date.parse(moment)).features[0]?.properties?.now;
    expect([now("2026-11-23T01:00:00Z"), now("2026-11-23T03:00:00Z")]).toEqual([true, false]);
  });
  it("what the on-board fence keeps out is a wall", () => {
    const ring = [[0, 0], [1, 0], [1, 1]];
    const plan = { fence: { polygons: [{ inclusion: true, ring }, { inclusion: false, ring }], alt_max_rel_m: 65 } } as unknown as Plan;
    expect(fence(plan).features.map(({ properties }) => properties?.wall)).toEqual([false, true]);
  });
});
