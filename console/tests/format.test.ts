import { describe, expect, it } from "vitest";
import { formatAge, formatDuration, formatLength, formatNumber } from "../src/geo/format";

describe("formatLength", () => {
  it.each([[0, "0 m"], [940.4, "940 m"], [999.4, "999 m"], [999.5, "1.00 km"], [12_345, "12.35 km"], [99_994, "99.99 km"], [100_000, "100 km"]])("%d → %s", (meters, text) => {
    expect(formatLength(meters)).toBe(text);
  });
  it("has a dash for what is not known", () => expect(formatLength(null)).toBe("–"));
});

describe("formatDuration", () => {
  it.each([[0, "0:00"], [75, "1:15"], [3599.6, "1:00:00"], [3661, "1:01:01"], [-3, "0:00"]])("%d → %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe("formatAge", () => {
  it.each([[0.04, "0.0 s"], [1.52, "1.5 s"], [9.99, "10.0 s"], [12.7, "12 s"], [119, "119 s"], [120, "2 min"], [7200, "2 h"]])("%d → %s", (seconds, text) => {
    expect(formatAge(seconds)).toBe(text);
  });
  it("never shows a negative age", () => expect(formatAge(-0.4)).toBe("0.0 s"));
});

it("formats numbers with the digits asked for", () => expect([formatNumber(3.14159, 2), formatNumber(null)]).toEqual(["3.14", "–"]));
