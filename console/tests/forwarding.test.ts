import { describe, expect, it } from "vitest";
import type { ForwardingRule } from "../src/api/model";
import { askedOf, BLANK, formOf, isComplete, polygonIn, targetOf } from "../src/forwarding/form";
import { formatBytes, formatCount } from "../src/geo/format";

const AREA = { type: "Polygon" as const, coordinates: [[[121, 31], [121.01, 31], [121.01, 31.01], [121, 31]]] };
const RULE: ForwardingRule = {
  id: "r-1", name: "区城运中心", what: ["telemetry", "alarms"],
  target: {
    kind: "mqtt", url: "mqtts://broker.example", confirm: "ack", version: "3.1.1", state_topic: "a/{unit}", event_topic: "b/{what}",
    retain_state: true, username: "bailu", secrets: ["password"], overheard: false,
  },
  filter: { vehicle_ids: ["bl-01"], units: ["town"], codes: ["link-lost"], severities: ["critical"], area: AREA },
  rate_hz: 0.5, backfill: true, paused: false, spool_bytes: 32 << 20, kept_s: 86_400, created_at: "2026-11-23T01:00:00Z", created_by: "local",
  revision: 3,
  status: {
    state: "away", lag_s: 12, waiting_events: 3, waiting_telemetry: 0, spool_bytes: 4096, sent_events: 1, sent_telemetry: 2, lost_events: 0,
    lost_telemetry: 0, dead: 0, last_sent_at: null, last_error: null, last_error_at: null,
  },
};

describe("the form of a rule", () => {
  it("says back what it was made of, and no secret", () => {
    const { status: _status, target, id: _id, revision: _revision, paused: _paused, created_at: _at, created_by: _by, ...rest } = RULE;
    const { confirm: _confirm, secrets: _secrets, overheard: _overheard, ...mqtt } = target;
    expect(askedOf(formOf(RULE))).toEqual({ ...rest, target: mqtt });
  });
  it("shows nothing of a secret that is stored", () => expect(JSON.stringify(formOf(RULE))).not.toContain("password"));
});

describe("a target", () => {
  const form = { ...BLANK, name: "x", url: " https://city.example/in " };
  it("has the members of its kind only", () => {
    expect(targetOf(form)).toEqual({ kind: "http", url: "https://city.example/in" });
    expect(targetOf({ ...form, kind: "websocket", confirm: "pong" })).toEqual({ kind: "websocket", url: "https://city.example/in", confirm: "pong" });
    expect(Object.keys(targetOf({ ...form, kind: "mqtt" })).sort()).toEqual(["event_topic", "kind", "retain_state", "state_topic", "url", "username", "version"]);
  });
  it("is given what was typed, keeps what was left empty, forgets what is null", () => {
    expect(targetOf({ ...form, secrets: { token: "t", signing_key: "" } })).toEqual({ kind: "http", url: form.url.trim(), token: "t" });
    expect(targetOf({ ...form, secrets: { token: null } })).toMatchObject({ token: null });
  });
  it("is never given a secret of another kind", () => {
    expect(targetOf({ ...form, kind: "mqtt", secrets: { token: "t" } })).not.toHaveProperty("token");
  });
});

describe("what can be sent", () => {
  const whole = { ...BLANK, name: "x", url: "https://a" };
  it.each([
    [whole, true], [{ ...whole, name: " " }, false], [{ ...whole, url: "" }, false], [{ ...whole, what: [] }, false],
    [{ ...whole, area: "{" }, false], [{ ...whole, area: JSON.stringify(AREA) }, true],
  ] as const)("%#", (form, can) => expect(isComplete(form)).toBe(can));
});

describe("an area", () => {
  const feature = { type: "Feature", properties: {}, geometry: AREA };
  it("is a polygon alone, of a feature, or of a collection's only one", () => {
    for (const each of [AREA, feature, { type: "FeatureCollection", features: [feature] }]) expect(polygonIn(JSON.stringify(each))).toEqual(AREA);
  });
  it("is nothing else", () => {
    const none = ["", "x", "[]", '{"type":"Point","coordinates":[1,2]}', JSON.stringify({ type: "FeatureCollection", features: [feature, feature] })];
    expect(none.map(polygonIn)).toEqual(none.map(() => null));
  });
});

describe("sizes and counts", () => {
  it("are read at a glance", () => {
    expect([0, 1023, 1024, 1536 * 1024, 64 << 20, 4 * 1024 ** 3].map(formatBytes)).toEqual(["0 B", "1023 B", "1 KiB", "1.5 MiB", "64 MiB", "4.0 GiB"]);
    expect(formatCount(1234567)).toBe("1\u202f234\u202f567");
  });
});
