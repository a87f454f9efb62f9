import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Diversion, Ghost, LinkHealth, Plan } from "../src/api/model";
import { canContinue } from "../src/divert/continuing";
import { flyTrial, manoeuvre, startManoeuvre, trial } from "../src/divert/manoeuvre";
import { translate, type Translate } from "../src/i18n";
import { said } from "../src/i18n/phrases";
import { ghostText, heldText, linkFacts } from "../src/i18n/wording";
import { ghosts, path } from "../src/map/features";
import { flownPlan } from "../src/state/plans";
import { openSide } from "../src/state/view";
import { SORTIE } from "./samples";

const t: Translate = (key, values) => translate("zh", key, values);
const FLYING = { ...SORTIE, state: "on_mission" as const };
const line = (...coordinates: number[][]) => ({ path: { type: "LineString", coordinates } }) as unknown as Plan;

describe("a guess of where a vehicle is", () => {
  const ghost: Ghost = { belief: "failsafe", lat_deg: 31.1, lon_deg: 121.1, alt_rel_m: 60, radius_m: 40, text: "" };
  it("is a circle as wide as it may be off, tied to where the vehicle was last seen", () => {
    const { features } = ghosts([{ last: [121.2, 31.2], ghosts: [ghost] }], () => "?");
    expect(features.map(({ geometry }) => geometry.type)).toEqual(["Polygon", "LineString", "Point"]);
    expect(features[1]?.geometry).toEqual({ type: "LineString", coordinates: [[121.2, 31.2], [121.1, 31.1]] });
  });
  it("says which belief it follows from", () => {
    expect(ghostText(ghost, t)).toBe("推测：失效保护返航\n高约 60 m，±40 m");
    expect(ghostText({ ...ghost, belief: "wind" }, t)).toContain("wind");
  });
});

describe("a plan that begins in the air", () => {
  it("is drawn even when it only leads home", () => {
    expect(path(line([121, 31, 60], [121, 31, 60], [121.1, 31.1, 0])).features.length).toBeGreaterThan(0);
    expect(path(line([121, 31, 60], [121.1, 31.1, 0], [121.1, 31.1, 0])).features).toHaveLength(1);
  });
  it("is what a diverted sortie flies", () => {
    const [own, other] = [line([1, 1]), line([2, 2])];
    const all = new Map([["m-1@1", own], ["d-1", other]]);
    expect(flownPlan(all, SORTIE)).toBe(own);
    expect(flownPlan(all, { ...SORTIE, diversion_id: "d-1" })).toBe(other);
    expect(flownPlan(all, { ...SORTIE, diversion_id: "d-2" })).toBeNull();
  });
});

describe("words", () => {
  it("name who holds a vehicle, and its failsafe", () => {
    expect(heldText({ by: "failsafe", code: "gcs", text: "…" }, t)).toEqual({ who: "失效保护", why: "地面站失联保护" });
    expect(heldText({ by: "pilot", code: "", text: "a pilot's switch chose mode LOITER" }, t)).toEqual({ who: "飞手", why: null });
  });
  it("tell of a link only what there is to tell", () => {
    const link = { lost_share: 0.0123, rtt_s: 0.0421, frames: 10, bad_crc: 0, duplicates: 2, refused: 0 } as LinkHealth;
    expect(linkFacts(link, t)).toBe("10 帧 · 丢包 1.2% · 往返 42 ms · 重复 2");
    expect(linkFacts({ ...link, lost_share: null, rtt_s: null, duplicates: 0 }, t)).toBe("10 帧");
  });
  it.each([
    ["白鹭一号's battery is at 18 % (limit 20 %).", "白鹭一号 电量 18%（限 20%）"],
    ["白鹭三号 is not heard any more on fleet.", "白鹭三号 在链路 fleet 上收不到信号"],
    ["白鹭三号 is not heard any more.", "白鹭三号 收不到信号"],
    ["If it hears us, it flies on with its mission.", "若仍收到平台心跳，会继续执行任务"],
    [
      "If it does not hear us either, it has been flying home by RTL from 08:45:33 UTC on and lands about 08:46:51 UTC.",
      "若也收不到平台心跳，自 16:45:33 起按 RTL 返航，约 16:46:51 降落",
    ],
    ["the operator asked to change-speed", "值班员改航"],
  ])("say %s in Chinese", (text, chinese) => expect(said(text, "zh")).toBe(chinese));
});

describe("a broken-off sortie", () => {
  const broken = { place: { lat_deg: 31, lon_deg: 121 }, alt_rel_m: 60, waypoint: 3, mission_seq: 5, at: "2026-11-23T01:00:00Z", battery_pct: 40 };
  it("can be continued once it has ended", () => {
    expect(canContinue({ ...FLYING, break_point: broken })).toBe(false);
    expect(canContinue({ ...SORTIE, state: "closed", break_point: broken })).toBe(true);
    expect(canContinue({ ...SORTIE, state: "closed" })).toBe(false);
    expect(canContinue({ ...SORTIE, state: "closed", outcome: "completed", break_point: broken })).toBe(false);
  });
});

describe("flying a preview", () => {
  const diversion = { diversion_id: "d-1", sortie_id: "s-1", kind: "goto", plan: {} } as Diversion;
  const answer = vi.fn<(url: string, init: RequestInit) => Promise<Response>>();
  const refusal = () => new Response(JSON.stringify({ type: "urn:bailu:problem:diversion-failed", title: "", detail: "it holds" }), { status: 502, headers: { "content-type": "application/problem+json" } });
  beforeEach(() => {
    vi.stubGlobal("fetch", answer);
    answer.mockReset();
    startManoeuvre(FLYING, "goto", [121.1, 31.1]);
    trial.set({ status: "planned", diversion, atMs: 0, key: "key-1", problem: null });
  });
  afterEach(() => vi.unstubAllGlobals());

  it("closes the manoeuvre when the vehicle flies it", async () => {
    answer.mockResolvedValue(new Response("{}"));
    expect(await flyTrial()).toBe(true);
    expect(manoeuvre.get()).toBeNull();
    expect(answer.mock.calls[0]?.[0]).toBe("/api/v1/sorties/s-1/diversions/d-1/execute");
  });
  it("keeps a refusal with the preview, and asks under the same key only for what was never answered", async () => {
    answer.mockRejectedValueOnce(new TypeError("offline")).mockImplementation(() => Promise.resolve(refusal()));
    expect(await flyTrial()).toBe(false);
    expect(trial.get()).toMatchObject({ status: "planned", problem: { slug: "unreachable" } });
    await flyTrial();
    expect(trial.get()).toMatchObject({ status: "planned", problem: { slug: "diversion-failed" } });
    await flyTrial();
    const keys = answer.mock.calls.map(([, { headers }]) => (headers as Record<string, string>)["idempotency-key"]);
    expect(keys.slice(0, 2)).toEqual(["key-1", "key-1"]);
    expect(keys[2]).not.toBe("key-1");
  });
  it("does not take for flown what had failed under its key", async () => {
    answer.mockResolvedValue(new Response(JSON.stringify({ state: "failed", result: "it holds" })));
    expect(await flyTrial()).toBe(false);
    expect(trial.get()).toMatchObject({ problem: { slug: "diversion-failed", message: "it holds" } });
  });
  it("does not swallow a refusal that nobody looks at any more", async () => {
    answer.mockImplementation(() => {
      openSide({ kind: "lists" });
      return Promise.resolve(refusal());
    });
    await expect(flyTrial()).rejects.toThrow("it holds");
  });
});
