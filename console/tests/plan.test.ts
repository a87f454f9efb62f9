import { describe, expect, it } from "vitest";
import type { Conflict, Plan } from "../src/api/model";
import { conflictLabels } from "../src/map/features";
import { importGeoJson } from "../src/plan/importGeoJson";
import { candidates, choose } from "../src/plan/vehicles";
import { isLegal } from "../src/state/commands";
import { EMPTY } from "../src/state/live";
import { VEHICLE } from "./samples";

const RING = [[121.1, 31.1], [121.2, 31.1], [121.2, 31.2], [121.1, 31.1]];
const polygon = { type: "Polygon", coordinates: [RING] };

describe("importGeoJson", () => {
  it("finds an area in a collection, with its feature's name", () => {
    const text = JSON.stringify({
      type: "FeatureCollection",
      features: [
        { type: "Feature", geometry: { type: "Point", coordinates: [0, 0] }, properties: null },
        { type: "Feature", geometry: polygon, properties: { name: "河道" } },
      ],
    });
    expect(importGeoJson(text)).toEqual({ geometry: polygon, name: "河道" });
  });
  it("drops altitudes and rounds to what MAVLink holds", () => {
    const text = JSON.stringify({ type: "LineString", coordinates: [[121.123456789, 31.1, 50], [121.2, 31.2, 50]] });
    expect(importGeoJson(text)).toMatchObject({ geometry: { coordinates: [[121.1234568, 31.1], [121.2, 31.2]] } });
  });
  it.each([
    ["{", "import.notJson"],
    ["3", "import.noGeometry"],
    [JSON.stringify({ type: "MultiLineString", coordinates: [[[1, 2], [3, 4]]] }), "import.noGeometry"],
    [JSON.stringify({ type: "LineString", coordinates: [[40_500_000, 3_450_000], [40_500_100, 3_450_000]] }), "import.range"],
    [JSON.stringify({ type: "LineString", coordinates: [[121, 31]] }), "import.tooFew"],
    [JSON.stringify({ ...polygon, crs: { type: "name", properties: { name: "GCJ-02" } } }), "import.crs"],
  ])("refuses %s", (text, error) => expect(importGeoJson(text)).toEqual({ error }));
  it("takes CGCS2000 degrees as they are", () => {
    const crs = { type: "name", properties: { name: "urn:ogc:def:crs:EPSG::4490" } };
    expect(importGeoJson(JSON.stringify({ ...polygon, crs }))).toHaveProperty("geometry");
  });
});

describe("the vehicle of a plan", () => {
  const parked = { ...VEHICLE, landed: "on_ground", armed: false, sortie_id: null, ready: true } as const;
  const fleet = [
    { ...parked, vehicle_id: "low", battery_pct: 40 },
    { ...parked, vehicle_id: "full", battery_pct: 99 },
    { ...parked, vehicle_id: "busy", ready: false, battery_pct: 100 },
    { ...parked, vehicle_id: "elsewhere", dock_id: "dock-2" },
  ];
  const live = { ...EMPTY, vehicles: new Map(fleet.map((state) => [state.vehicle_id, { state, atMs: 0 }])) };
  const all = candidates(live, "dock-1");
  it("stands at the dock; ready and full ones come first", () => expect(all.map(({ id }) => id)).toEqual(["full", "low", "busy"]));
  it("is the wanted one when it is there, else the first ready one", () => {
    expect(choose(all, "low")?.id).toBe("low");
    expect(choose(all, "elsewhere")?.id).toBe("full");
    expect(choose([], null)).toBeNull();
  });
});

describe("commands", () => {
  it("follow the sortie's state", () => {
    const legal = (state: Parameters<typeof isLegal>[1]) => (["hold", "resume", "return", "land", "abort"] as const).filter((kind) => isLegal(kind, state, VEHICLE));
    expect(legal("on_mission")).toEqual(["hold", "return", "land"]);
    expect(legal("paused")).toEqual(["resume", "return", "land"]);
    expect(legal("held")).toEqual(["hold", "resume", "return", "land"]);
    expect(legal("returning")).toEqual(["hold", "land"]);
    expect(legal("landing")).toEqual(["hold"]);
    expect(legal("preflight")).toEqual(["abort"]);
    expect(legal("closed")).toEqual([]);
  });
  it("still stop, bring home or down what flies without a sortie of ours", () => {
    expect(isLegal("return", null, VEHICLE)).toBe(true);
    expect(isLegal("land", null, { ...VEHICLE, armed: false })).toBe(false);
    expect(isLegal("hold", null, VEHICLE)).toBe(true);
    expect(isLegal("resume", null, VEHICLE)).toBe(false);
  });
});

describe("the names of conflicts on the map", () => {
  const conflict = (code: string, geometry: Conflict["geometry"]): Conflict => ({
    code, geometry, detail: "", pointer: "", zone_id: null, zone_name: null, leg: null, encounter: null,
  });
  const path = { type: "LineString", coordinates: [[121, 31, 0], [121.2, 31.2, 60], [121, 31, 0]] };
  const named = (...conflicts: Conflict[]) =>
    conflictLabels({ conflicts, path } as unknown as Plan, ({ code }) => code).features.map(({ geometry, properties }) => [
      geometry.type === "Point" ? geometry.coordinates : [],
      properties?.label,
    ]);

  it("stand where the conflict is", () => {
    const leg = { type: "LineString", coordinates: [[121, 31], [121.2, 31]] } as Conflict["geometry"];
    expect(named(conflict("crosses", leg))).toEqual([[[121.1, 31], "crosses"]]);
  });
  it("stand together above the path when they have no place", () => {
    expect(named(conflict("battery", null), conflict("speed", null))).toEqual([[[121.1, 31.2], "battery\nspeed"]]);
  });
});
