import { beforeEach, describe, expect, it } from "vitest";
import type { MissionFeature, ParameterSpec, PatternSpec, Template } from "../src/api/model";
import { boundsText, labelText, valueText } from "../src/i18n/parameters";
import { translate, type Translate } from "../src/i18n";
import { adopt, change, choosePattern, draft, endDrawing, featureOf, penWanted, startDraft, takeGeometry, tellParameter } from "../src/plan/draft";
import { formOf, penOf, standingOf, tell } from "../src/plan/form";
import { mergePatch } from "../src/plan/mergePatch";
import { places } from "../src/state/places";

const t: Translate = (key, values) => translate("zh", key, values);

const parameter = (name: string, part: Partial<ParameterSpec> = {}): ParameterSpec => ({
  name, meaning: "", meaning_zh: "", kind: "number", unit: "m", low: 1, high: 100, words: [], default: null, required: false,
  instead_of: null, needs: null, ...part,
});
const pattern = (name: PatternSpec["pattern"], geometry: string[], ...parameters: ParameterSpec[]): PatternSpec => ({
  pattern: name, name, name_en: name, meaning: "", meaning_zh: "", geometry, parameters,
});
const SURVEY = pattern(
  "survey", ["Polygon"],
  parameter("spacing_m", { default: 40 }),
  parameter("camera", { kind: "word", words: ["A", "B"], instead_of: "spacing_m" }),
  parameter("resolution_cm", { needs: "camera" }),
  parameter("side_overlap", { needs: "camera", default: 0.65 }),
  parameter("heading_deg"),
);
const CORRIDOR = pattern("corridor", ["LineString"], parameter("width_m", { default: 60 }), parameter("trigger_m"));
const ROUTE = pattern("route", ["LineString"], parameter("trigger_m"));
const WATCH = pattern("watch", ["MultiPoint", "Point"], parameter("hold_s", { default: 10 }));
const ORBIT = pattern("orbit", ["Point", "MultiPoint"]);
const SECTOR = pattern("sector", ["Point"]);
const RIVER: Template = {
  id: "river", name: "河道巡查", name_en: "River", pattern: "corridor",
  defaults: { "quad-3kg": { alt_rel_m: 60, speed_mps: 8, trigger_m: 20 }, "hexa-7kg": { alt_rel_m: 70, speed_mps: 10, trigger_m: 25 } },
};
const LINE = { type: "LineString" as const, coordinates: [[121, 31], [121.01, 31]] };
const AREA = { type: "Polygon" as const, coordinates: [[[121, 31], [121.01, 31], [121.01, 31.01], [121, 31]]] };

beforeEach(() => places.update((now) => ({ ...now, patterns: [SURVEY, CORRIDOR, ROUTE, WATCH, ORBIT, SECTOR], templates: [RIVER] })));

describe("the form of a pattern", () => {
  const names = (list: readonly { spec: ParameterSpec }[]) => list.map(({ spec }) => spec.name);

  it("shows what has a default, and folds away what may be absent", () => {
    const { main, more } = formOf(SURVEY, {}, {});
    expect(names(main)).toEqual(["spacing_m"]);
    expect(names(more)).toEqual(["camera", "heading_deg"]);
  });
  it("shows what says nothing alone once the other is told", () => {
    const { main, more } = formOf(SURVEY, {}, { camera: "A" });
    expect(names(main)).toEqual(["spacing_m", "side_overlap"]);
    expect(names(more)).toEqual(["camera", "resolution_cm", "heading_deg"]);
    expect(main[0]).toMatchObject({ replacedBy: "camera", standing: null });
  });
  it("brings forward what the task sets, with the task's value before the pattern's", () => {
    const { main } = formOf(CORRIDOR, { ...RIVER.defaults["quad-3kg"], width_m: 80 }, { width_m: 30 });
    expect(main.map(({ spec, told, standing }) => [spec.name, told, standing])).toEqual([["width_m", 30, 80], ["trigger_m", null, 20]]);
  });
  it("takes a task's values for the airframe, else its first", () => {
    expect(standingOf(RIVER, "hexa-7kg")).toMatchObject({ alt_rel_m: 70 });
    expect(standingOf(RIVER, "unknown")).toMatchObject({ alt_rel_m: 60 });
    expect(standingOf(null, null)).toEqual({});
  });
});

describe("telling a parameter", () => {
  it("takes back what it stands in place of, and what that needed", () => {
    expect(tell(SURVEY, { spacing_m: 30 }, "camera", "A")).toEqual({ camera: "A" });
    expect(tell(SURVEY, { camera: "A", resolution_cm: 2, heading_deg: 5 }, "spacing_m", 30)).toEqual({ heading_deg: 5, spacing_m: 30 });
  });
  it("takes back with it what says nothing without it", () => {
    expect(tell(SURVEY, { camera: "A", resolution_cm: 2 }, "camera", null)).toEqual({});
  });
});

describe("the words of a parameter", () => {
  it("are the dictionary's, or the first clause of its meaning", () => {
    expect(labelText(parameter("width_m", { meaning_zh: "带宽，线两侧各一半" }), t, "zh")).toBe("带宽");
    expect(labelText(parameter("new_m", { meaning: "Reach of the beam, level" }), t, "en")).toBe("Reach of the beam");
  });
  it("tell bounds with their unit", () => {
    expect(boundsText(parameter("a", { low: -90, high: 30, unit: "deg" }), t)).toBe("-90 至 30 °");
    expect(boundsText(parameter("a", { low: null, high: 3 }), t)).toBe("≤ 3 m");
    expect(boundsText(parameter("a", { kind: "flag" }), t)).toBe("");
  });
  it("name the words of a choice, and leave a new one as it is", () => {
    expect([valueText("clockwise", t), valueText("zigzag", t), valueText(true, t)]).toEqual(["顺时针", "zigzag", "是"]);
  });
});

describe("a draft", () => {
  const properties = () => featureOf(draft.get())?.properties;

  beforeEach(startDraft);
  it("takes the pen that its pattern is drawn with", () => {
    expect(penWanted(draft.get())).toBe("polygon");
    choosePattern("watch", null);
    expect(penWanted(draft.get())).toBe("points");
    expect([SECTOR, ORBIT, ROUTE].map(penOf)).toEqual(["point", "points", "line"]);
  });
  it("keeps a drawing that fits the next pattern, and draws anew where it does not", () => {
    takeGeometry(LINE);
    choosePattern("corridor", "river");
    expect(draft.get()).toMatchObject({ geometry: LINE, drawing: false });
    choosePattern("survey", null);
    expect(draft.get()).toMatchObject({ geometry: null, drawing: true });
  });
  it("leaves to a task what it knows, and sends what was told", () => {
    takeGeometry(LINE);
    choosePattern("corridor", "river");
    tellParameter("width_m", 30);
    expect(properties()).toEqual({ name: "河道巡查", pattern: "corridor", template: "river", width_m: 30 });
    choosePattern("corridor", null);
    expect(properties()).toEqual({ name: "corridor", pattern: "corridor", alt_rel_m: 60, speed_mps: 8 });
  });
  it("sends one altitude, above home or above the ground, and none beside a resolution", () => {
    takeGeometry(AREA);
    change({ datum: "agl", altM: 50 });
    expect(properties()).toMatchObject({ alt_agl_m: 50 });
    expect(properties()).not.toHaveProperty("alt_rel_m");
    tellParameter("camera", "A");
    tellParameter("resolution_cm", 2);
    expect(properties()).not.toHaveProperty("alt_agl_m");
    tellParameter("camera", null);
    expect(properties()).toHaveProperty("alt_agl_m");
  });
  it("goes on taking points until it is told that they are all", () => {
    choosePattern("watch", null);
    takeGeometry({ type: "Point", coordinates: [121, 31] }, { more: true });
    expect(draft.get().drawing).toBe(true);
    endDrawing();
    expect(draft.get()).toMatchObject({ drawing: false, geometry: { type: "Point" } });
  });
  it("asks for what was proposed", () => {
    takeGeometry(LINE);
    choosePattern("corridor", "river");
    adopt({ kind: "layer", detail: "", change: { properties: { alt_rel_m: 84, departs_at: "2026-11-23T02:00:00Z" } } });
    expect(properties()).toMatchObject({ alt_rel_m: 84, departs_at: "2026-11-23T02:00:00Z", template: "river" });
    adopt({ kind: "delay", detail: "", change: { properties: { departs_at: null }, geometry: { coordinates: [[121, 31], [121.02, 31]] } } });
    expect(properties()).not.toHaveProperty("departs_at");
    expect((featureOf(draft.get()) as MissionFeature).geometry.coordinates).toHaveLength(2);
    expect((featureOf(draft.get()) as MissionFeature).geometry.coordinates[1]).toEqual([121.02, 31]);
  });
});

describe("JSON merge patches (RFC 7396, appendix A)", () => {
  it.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [["a", "b"], ["c", "d"], ["c", "d"]],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j with %j", (target, patch, result) => {
    const before = structuredClone(target);
    expect(mergePatch(target, patch)).toEqual(result);
    expect(target).toEqual(before);
  });
});
