import { beforeEach, describe, expect, it } from "vitest";
import type { Sortie } from "../src/api/model";
import { adoptProposal, askedOf, canDivert, changeManoeuvre, manoeuvre, pickPlace, startManoeuvre } from "../src/divert/manoeuvre";
import { nearest } from "../src/divert/MapMenu";
import { EMPTY } from "../src/state/live";
import { selectedVehicle, view } from "../src/state/view";
import { SORTIE, VEHICLE } from "./samples";

const FLYING = { ...SORTIE, state: "on_mission" as const };

beforeEach(() => manoeuvre.set(null));

describe("a manoeuvre", () => {
  it("asks the map for its place, and then the service", () => {
    startManoeuvre(FLYING, "goto");
    expect(askedOf(manoeuvre.get())).toBeNull();
    expect(pickPlace([121.123456789, 31.1])).toBe(true);
    expect(askedOf(manoeuvre.get())).toMatchObject({ kind: "goto", execute: false, lon_deg: 121.1234568, lat_deg: 31.1, hold_s: 120 });
    expect(pickPlace([0, 0])).toBe(false);
  });
  it("that began at a place of the map asks at once, and shows its vehicle", () => {
    startManoeuvre(FLYING, "orbit", [121.1, 31.1]);
    expect(askedOf(manoeuvre.get())).toMatchObject({ kind: "orbit", radius_m: 40, turns: 1, clockwise: true });
    expect(selectedVehicle(view.get())).toBe("bl-01");
    changeManoeuvre({ radiusM: null });
    expect(askedOf(manoeuvre.get())).toBeNull();
  });
  it("looks where it is told to look", () => {
    startManoeuvre(FLYING, "goto", [121.1, 31.1]);
    expect(askedOf(manoeuvre.get())).not.toHaveProperty("look_lon_deg");
    changeManoeuvre({ picking: "look" });
    pickPlace([121.2, 31.2]);
    expect(askedOf(manoeuvre.get())).toMatchObject({ lon_deg: 121.1, look_lon_deg: 121.2, look_lat_deg: 31.2 });
  });
  it("without a value asks nothing, a skip means: where it left its mission", () => {
    startManoeuvre(FLYING, "change-altitude");
    expect(askedOf(manoeuvre.get())).toBeNull();
    changeManoeuvre({ altM: 50 });
    expect(askedOf(manoeuvre.get())).toEqual({ kind: "change-altitude", execute: false, alt_rel_m: 50 });
    startManoeuvre(FLYING, "skip");
    expect(askedOf(manoeuvre.get())).toEqual({ kind: "skip", execute: false, waypoint: null });
  });
  it("takes over a proposal, which changes only what it names", () => {
    startManoeuvre(FLYING, "goto", [121.1, 31.1]);
    adoptProposal({ kind: "nearby", detail: "", change: { lat_deg: 31.2, lon_deg: 121.3 } });
    expect(manoeuvre.get()).toMatchObject({ place: [121.3, 31.2], holdS: 120 });
    adoptProposal({ kind: "shorter-hold", detail: "", change: { hold_s: 30 } });
    expect(manoeuvre.get()).toMatchObject({ place: [121.3, 31.2], holdS: 30 });
  });
});

describe("who can be sent to a place", () => {
  it("is in the air with a sortie of ours", () => {
    expect(canDivert(FLYING)).toBe(true);
    expect(canDivert(SORTIE)).toBe(false);
    expect(canDivert(null)).toBe(false);
  });
  it("is the selected one, then the nearest", () => {
    const at = (id: string, lon: number) => [id, { state: { ...VEHICLE, vehicle_id: id, sortie_id: id, lon_deg: lon }, atMs: 0 }] as const;
    const of = (id: string, sortie: Sortie = FLYING): [string, Sortie] => [id, { ...sortie, sortie_id: id, vehicle_id: id }];
    const grounded = of("d", SORTIE);
    const live = { ...EMPTY, vehicles: new Map([at("a", 121.3), at("b", 121.11), at("c", 121.2), at("d", 121.1)]), sorties: new Map([of("a"), of("b"), of("c"), grounded]) };
    expect(nearest(live, [121.1, 31.15], "a").map(({ vehicle_id }) => vehicle_id)).toEqual(["a", "b", "c"]);
  });
});
