import { describe, expect, it } from "vitest";
import { type Language, translate, type Translate } from "../src/i18n";
import { conflictFacts } from "../src/i18n/conflictFacts";
import { en, zh } from "../src/i18n/messages";
import { said } from "../src/i18n/phrases";
import { commandText, conflictText, modeText, problemText, standing } from "../src/i18n/wording";
import { textOf } from "../src/panels/EventLog";
import problems from "../../tests/golden/problems.json";
import { COMMAND, CONFLICT, VEHICLE } from "./samples";

const speak = (to: Language): Translate => (key, values) => translate(to, key, values);
const t = speak("zh");
const CODES = [
  "area-outside-airspace", "leg-leaves-inclusion", "leg-crosses-exclusion", "return-leaves-inclusion", "return-crosses-exclusion",
  "altitude-above-limit", "altitude-below-minimum", "battery-not-enough", "too-many-waypoints", "fence-not-feasible", "speed-above-limit",
];
const STATES = [
  "planned", "approved", "assigned", "preflight", "uploading", "ready", "taking_off", "on_mission", "diverted", "paused", "held",
  "returning", "landing", "landed", "closed", "refused", "aborted", "lost",
];

describe("the dictionary", () => {
  const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  it("has the same keys in both languages", () => expect(Object.keys(en)).toEqual(Object.keys(zh)));
  it("has a text for each, with the same values", () => {
    for (const [key, text] of Object.entries(zh)) {
      expect(text, key).not.toBe("");
      expect(holes(en[key as keyof typeof en]), key).toEqual(holes(text));
    }
  });
  it("says Chinese in Chinese only", () => {
    const { "app.language": _switch, ...rest } = en;
    expect(Object.values(rest).filter((text) => /\p{Script=Han}/u.test(text))).toEqual([]);
  });
  it("knows every conflict code and sortie state of the contract", () => {
    expect(CODES.filter((code) => !(`conflict.${code}` in zh))).toEqual([]);
    expect(STATES.filter((state) => !(`state.${state}` in zh))).toEqual([]);
  });
});

describe("commands", () => {
  it("says what was asked and how it stands", () => expect(commandText({ ...COMMAND, state: "done", result: "the vehicle shows it" }, t, "zh")).toBe("返航：已执行"));
  it("says why not, with the autopilot's own words", () => {
    const refused = { ...COMMAND, kind: "arm", state: "failed", result: "it was refused", texts: ["Arm: Compass not healthy"] };
    expect(commandText(refused, speak("en"), "en")).toBe("Arm: not done · it was refused · “Arm: Compass not healthy”");
  });
  it("hides neither a kind nor a state that it does not know", () => {
    expect(commandText({ ...COMMAND, kind: "dance", state: "queued" }, t, "zh")).toContain("dance: queued");
  });
});

describe("conflicts", () => {
  it("names rule, leg and zone", () => expect(conflictText(CONFLICT, 9, t)).toBe("航段 3→4 穿越禁飞区 “学校”"));
  it("calls both ends of the flight home", () => {
    expect(conflictText({ ...CONFLICT, leg: [0, 1] }, 9, t)).toContain("起飞点→1");
    expect(conflictText({ ...CONFLICT, leg: [9, 10] }, 9, speak("en"))).toContain("9→home");
  });
  it("does not hide a code that it does not know", () => expect(conflictText({ ...CONFLICT, code: "new-rule" }, 9, t)).toContain("new-rule"));
});

describe("the numbers of a conflict", () => {
  it.each([
    [CONFLICT.detail, "须保持 10 m 距离"],
    ["The leg 1 → 2 (and 3 more) comes within 4.2 m of the edge of Qingpu; the margin is 10 m.", "距离仅 4.2 m，须 10 m，另有 3 处"],
    ["140 m above home needs 145 m above ground with 5 m of margin; the limit is 120 m AGL, so at most 115 m above home.", "最高可设 115 m（真高上限 120 m，含 5 m 余量）"],
    ["The flight of 21.3 km needs 130 Wh; with a reserve of 25% that is 118 % of the 148 Wh of quad-3kg.", "需 118%，已含 25% 余量"],
    ["The pattern needs at least 900 waypoints; a plan has at most 700. Take a smaller area or a wider spacing.", "至少 900 个，上限 700 个"],
    ["30 m/s is faster than quad-3kg flies: 15 m/s.", "最高 15 m/s"],
    ["A new sentence about 12 m and 3.5 km.", "12 m / 3.5 km"],
    ["No numbers here.", ""],
  ])("%s", (detail, facts) => expect(conflictFacts(detail, t)).toBe(facts));
});

describe("sentences of the service", () => {
  it("are said in Chinese when known", () => expect(said("the vehicle returns (mode RTL); the autopilot says: x", "zh")).toBe("飞行器返航（RTL）; the autopilot says: x"));
  it("stay as they are when not, and in English", () => {
    expect(said("Something else.", "zh")).toBe("Something else.");
    expect(said("Field required", "en")).toBe("Field required");
  });
  it("carry the autopilot's own words with a refusal", () => {
    const problem = { type: "urn:bailu:problem:vehicle-rejected", title: "x", status: 502, detail: "d", texts: ["PreArm: Compass"] };
    expect(problemText(problem, t, "zh")).toEqual({ title: "飞控拒绝了指令", detail: "d (PreArm: Compass)" });
  });
});

describe("a vehicle's standing, worst first", () => {
  it.each([
    [{ link: "lost" }, "vehicle.lost"],
    [{ fence_breached: true }, "vehicle.breach"],
    [{}, "vehicle.flying"],
    [{ landed: "on_ground" }, "vehicle.armed"],
    [{ landed: "on_ground", armed: false }, "vehicle.notReady"],
    [{ landed: "on_ground", armed: false, ready: true }, "vehicle.ready"],
  ] as const)("%o → %s", (part, key) => expect(standing({ ...VEHICLE, ...part }, null).key).toBe(key));
  it("keeps the autopilot's own name of a mode", () => expect([modeText("RTL", "zh"), modeText("RTL", "en"), modeText("ACRO", "zh")]).toEqual(["返航 RTL", "RTL", "ACRO"]));
});

describe("what an operator is told, in Chinese", () => {
  // What a planner, a file or a caller of the API says: it is shown with its own title.
  const OWN_WORDS = ["invalid-request", "mission-conflict", "terrain-unusable", "too-large", "payload-too-large", "method-not-allowed", "not-ready"];
  const inChinese = (text: string) => /\p{Script=Han}/u.test(said(text, "zh"));
  it("every refusal that comes from a vehicle or a record is", () => {
    const left = problems.filter(({ type, detail }) => !inChinese(detail) && !OWN_WORDS.some((slug) => type.endsWith(slug)));
    expect(left.map(({ type, detail }) => `${type}: ${detail}`)).toEqual([]);
  });
  it.each([
    ["The vehicle flies towards its fence too fast to stop: it crosses it in 1.4 s. The platform has it brake.", "飞向围栏，已来不及停住：1.4 秒后越界；平台令其刹停"],
    ["The vehicle left its fence by 3.2 m. The platform has it return.", "已飞出围栏 3.2 m；平台令其返航"],
    ["bl-01 is held: the vehicle left its mission (mode LOITER): a pilot's switch chose mode LOITER.", "bl-01 被接管：飞行器离开任务（LOITER）：遥控器切到 LOITER"],
    ["its battery failsafe acted: it said 'Battery 1 is low 10.2V'", "电量保护动作，飞控称 'Battery 1 is low 10.2V'"],
    ["bl-03 is in a zone that is closed to flights: 学校.", "bl-03 进入禁飞区：学校"],
    ["The signing key of 'bl-11' does not open with k: was that file replaced? Put the old one back and restart, or give the vehicle a new key over USB: bailu x", "bl-11 的签名密钥用 k 打不开：密钥文件被换过？；请放回原文件并重启，或经 USB 换发密钥：bailu x"],
    ["Vehicle 'bl-01' is busy: it is armed, and lists its logs only when it is disarmed.", "bl-01 正忙：已解锁，上锁后才能列出日志"],
    ["Vehicle 'bl-01' is busy: 充电中.", "bl-01 正忙：充电中"],
    ["the process that sends our heartbeats does not beat", "平台心跳已停"],
  ])("%s", (text, chinese) => expect(said(text, "zh")).toBe(chinese));
  it.each([
    ["critical", "mission-changed", "Its mission is not what was approved any more.", "机上 mission 已非批准内容"],
    ["critical", "stopped", "It was stopped: nothing flies that was not approved. Return or land it.", "已刹停：未经批准的任务不飞；请令其返航或降落"],
    ["critical", "fence-unheeded", "bl-01 was not brought to return by the fence watch: Vehicle 'bl-01' is busy: 充电中.", "围栏监视要求 bl-01 返航，未能做到：bl-01 正忙：充电中"],
    ["critical", "mission-unknown", "What it holds is not known: Vehicle 'bl-01' is busy: flying sortie s-1.", "机上内容不明：bl-01 正忙：正在执行架次 s-1"],
    ["warning", "recording-degraded", "Recording is degraded: the disk does not answer within 3 s.", "记录降级：磁盘 3 秒内无应答"],
    ["info", "recording-restored", "Everything is recorded again; nothing was lost.", "记录已恢复，没有缺失"],
    ["info", "recording-restored", "Everything is recorded again; 7 positions, 80 bytes of frames and 0 events were lost.", "记录已恢复；缺失位置 7 个、报文 80 字节、事件 0 条"],
    ["info", "statustext", "all checks passed", "all checks passed"],
  ] as const)("an event (%s) %s is, unless the autopilot says it itself", (severity, code, text, chinese) => {
    const told = { key: "k", at: "2026-11-23T01:00:00Z", severity, vehicleId: null, sortieId: null, body: { kind: "text", code, text } } as const;
    expect(textOf(told, t, "zh")).toBe(chinese);
  });
  it("in English, too, times are those of the operator's clock", () => expect(said("It lands about 17:46:51 UTC.", "en")).toBe("It lands about 01:46:51."));
  it("the autopilot's own words stay as they are", () => expect(said("PreArm: Compass not calibrated", "zh")).toBe("PreArm: Compass not calibrated"));
});

describe("what a vehicle tells no more", () => {
  it("is named in Chinese, each of it", () => {
    expect(said("bl-01 is heard, and tells no more of its battery, gps.", "zh").replace(/ +/g, " ").trim()).toBe("bl-01 有信号，但不再上报电池 卫星定位");
    expect(said("it is heard, and tells no more of its landed", "zh").trim()).toBe("有信号，但不再上报起降状态");
  });
});
