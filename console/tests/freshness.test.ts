import { describe, expect, it } from "vitest";
import { waitMs } from "../src/state/backoff";
import { batteryPct, freshness, positionAgeS } from "../src/state/freshness";
import { glideTo, GLIDE_MS, poseAt, rest } from "../src/map/glide";
import { VEHICLE } from "./samples";

describe("the age of a position", () => {
  const seen = { state: VEHICLE, atMs: 10_000 };
  it("goes on from the age in the record", () => expect(positionAgeS(seen, 13_000)).toBeCloseTo(3.2));
  it("does not run backwards with the page's clock", () => expect(positionAgeS(seen, 9_000)).toBeCloseTo(0.2));
  it("is null for what was never heard", () => {
    expect(positionAgeS({ ...seen, state: { ...VEHICLE, position_age_s: null } }, 13_000)).toBeNull();
  });
  it.each([[null, "never"], [1.5, "live"], [1.51, "stale"], [5, "stale"], [5.01, "lost"]])("%d s is %s", (age, word) => {
    expect(freshness(age)).toBe(word);
  });
});

describe("the wait before a reconnect", () => {
  it("doubles up to a limit", () => expect([0, 1, 2, 10].map((n) => waitMs(n, 1))).toEqual([500, 1000, 2000, 15_000]));
  it("is spread, and never nothing", () => expect(waitMs(3, 0)).toBe(800));
});

describe("a gliding marker", () => {
  const start = rest({ lon: 121, lat: 31, heading: 350 });
  const glide = glideTo(start, { lon: 121.001, lat: 31, heading: 10 }, 1000);
  it("is half way after half the time, turning the short way", () => {
    const { lon, heading } = poseAt(glide, 1000 + GLIDE_MS / 2);
    expect(lon).toBeCloseTo(121.0005, 6);
    expect(heading).toBeCloseTo(360);
  });
  it("arrives and stays", () => expect(poseAt(glide, 9999).lon).toBe(121.001));
  it("does not restart for the same report", () => expect(glideTo(glide, { ...glide.to }, 1100)).toBe(glide));
  it("jumps over a correction instead of flying it", () => {
    expect(poseAt(glideTo(start, { lon: 121.1, lat: 31, heading: 0 }, 1000), 1000).lon).toBe(121.1);
  });
});

describe("a battery", () => {
  const since = "2026-11-23T01:00:00Z";
  it("is known while it is told", () => expect(batteryPct({ ...VEHICLE, battery_pct: 79.6, quiet: [{ what: "gps", since }] })).toBe(80));
  it("is not known any more when it is told no more", () => expect(batteryPct({ ...VEHICLE, quiet: [{ what: "battery", since }] })).toBe(null));
});
