import { afterEach, describe, expect, it, vi } from "vitest";
import { api } from "../src/api/client";
import type { Position } from "../src/api/stream";
import { shownTracks } from "../src/map/feed";
import { EMPTY, reduce } from "../src/state/live";
import { openSide, selectVehicle, showOnMap } from "../src/state/view";
import { snapshotOf, SORTIE, VEHICLE } from "./samples";

const line: Position[] = [[121, 31, 60], [121.1, 31, 60]];
const other: Position[] = [[121, 31.1, 60], [121.1, 31.1, 60]];
const closed = { ...SORTIE, sortie_id: "s-0", state: "closed" as const, outcome: "completed" as const };
const flying = { ...SORTIE, state: "on_mission" as const };
const picture = (of: string) => reduce(EMPTY, snapshotOf([{ ...VEHICLE, sortie_id: of }], [closed, flying], { tracks: { "s-0": line, "s-1": other } }), 0);

describe("the lines on the map", () => {
  afterEach(() => {
    openSide({ kind: "lists" });
    showOnMap(null);
  });
  it("of sorties that are over are gone", () => expect(shownTracks(picture("s-1"))).toEqual([{ positions: other, selected: false }]));
  it("of the selected vehicle are that of its newest sortie: an earlier one would look flown already", () => {
    selectVehicle("bl-01");
    expect(shownTracks(picture("s-1"))).toEqual([{ positions: other, selected: true }]);
    expect(shownTracks({ ...picture("s-0"), tracks: new Map([["s-0", line]]) })).toEqual([{ positions: line, selected: true }]);
  });
  it("hold one that was asked for, whenever it was", () => {
    showOnMap({ sortieId: "s-0", track: line });
    expect(shownTracks(picture("s-1"))).toContainEqual({ positions: line, selected: true });
  });
});

describe("the enrolment of a vehicle", () => {
  afterEach(() => void vi.unstubAllGlobals());
  it("is found among those of its unit, and missing without a failure", async () => {
    const asked = vi.fn(async () => new Response(JSON.stringify({ items: [{ id: "bl-11" }] }), { headers: { "content-type": "application/json" } }));
    vi.stubGlobal("fetch", asked);
    expect(await api.enrollment("bl-11", "二大队")).toEqual({ id: "bl-11" });
    expect(await api.enrollment("bl-01", "二大队")).toBeNull();
    expect(asked).toHaveBeenCalledWith(`/api/v1/enrollments?unit=${encodeURIComponent("二大队")}`, expect.anything());
  });
});
