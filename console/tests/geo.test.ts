import { describe, expect, it } from "vitest";
import { boundsOf, circlePolygon, destination, distanceM, gridLines, type LonLat, positions, turn } from "../src/geo/geo";

const QINGPU: LonLat = [121.12, 31.15];

describe("circlePolygon", () => {
  const { coordinates } = circlePolygon(QINGPU, 500, 72);
  const ring = coordinates[0] as LonLat[];

  it("closes its ring", () => {
    expect(ring).toHaveLength(73);
    expect(ring.at(-1)).toEqual(ring[0]);
  });
  it("keeps every vertex at the radius", () => {
    for (const vertex of ring) expect(distanceM(QINGPU, vertex)).toBeCloseTo(500, 3);
  });
  it("runs counter-clockwise, as RFC 7946 wants an outer ring", () => {
    const area = ring.slice(1).reduce((sum, [x, y], i) => sum + ((ring[i] as LonLat)[0] * y - x * (ring[i] as LonLat)[1]), 0);
    expect(area).toBeGreaterThan(0);
  });
});

describe("distance and destination", () => {
  it("gives a degree of latitude as 111.2 km", () => expect(distanceM([121, 31], [121, 32])).toBeCloseTo(111_195, 0));
  it("goes east along the parallel", () => {
    const [lon, lat] = destination(QINGPU, 90, 1000);
    expect(lon).toBeGreaterThan(121.13);
    expect(lat).toBeCloseTo(31.15, 4);
  });
});

describe("bounds and positions", () => {
  it("is null for nothing", () => expect(boundsOf([])).toBeNull());
  it("covers every position of any geometry", () => {
    const all = positions({ type: "GeometryCollection", geometries: [{ type: "Point", coordinates: [1, 2] }, { type: "LineString", coordinates: [[3, 0], [-1, 5]] }] });
    expect(boundsOf(all)).toEqual([-1, 0, 3, 5]);
  });
});

describe("turn", () => {
  it.each([[350, 10, 20], [10, 350, -20], [0, 180, 180], [90, 90, 0], [0, 540, 180]])("from %d to %d is %d", (from, to, by) => {
    expect(turn(from, to)).toBe(by);
  });
});

it("draws grid lines only inside the bounds", () => {
  const lines = gridLines([121, 31, 121.05, 31.05], 0.02);
  expect(lines).toHaveLength(6);
});
