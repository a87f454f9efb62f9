/** Conflicts, problems and states in the operator's words. */

import type { AlarmKind, CommandRecord, Conflict, Ghost, LinkHealth, Sortie, VehicleState } from "../api/model";
import { type ProblemDocument, slugOf } from "../api/problem";
import { isKey, type Language, type Translate } from "./index";
import type { Key } from "./messages";
import { said } from "./phrases";

/** What the conflict is, by its code, with zone and leg. Its numbers: `conflictFacts`. */
export function conflictText(conflict: Conflict, waypoints: number, t: Translate): string {
  return worded(conflict, conflict.leg ? legText(conflict.leg, waypoints, t) : t("conflict.route"), t);
}

/** The same of a flight in the air, whose legs count from where the vehicle is: place 1; 0 is home. */
export function airborneText(conflict: Conflict, t: Translate): string {
  return worded(conflict, conflict.leg ? aheadText(conflict.leg, t) : t("conflict.route"), t);
}

function aheadText([from]: [number, number], t: Translate): string {
  if (from === 0) return t("alert.legHome");
  return from === 1 ? t("alert.legNext") : t("alert.legAhead", { n: from });
}

function worded(conflict: Conflict, leg: string, t: Translate): string {
  const zone = conflict.zone_name ? ` “${conflict.zone_name}”` : "";
  const key = `conflict.${conflict.code}`;
  if (isKey(key)) return t(key, { zone, leg });
  const rule = `rule.${conflict.code.replace(PROOF_CODE, "")}`;
  return isKey(rule) ? t("conflict.rule", { rule: t(rule), zone }) : t("conflict.other", { code: conflict.code });
}

/** How the planner, the proof and a review name a rule of the proof that is broken. */
const PROOF_CODE = /^(?:not-proven|proof)-/;

/** Places of a flight are home (0), the waypoints from 1 as on the map, home again (the last one plus 1). */
export function legText([from, to]: [number, number], waypoints: number, t: Translate): string {
  const step = (index: number) => (index <= 0 || index > waypoints ? t("plan.home") : String(index));
  return t("plan.leg", { from: step(from), to: step(to) });
}

/** What was refused in the operator's words, and the service's or the autopilot's own. */
export function problemText(problem: ProblemDocument, t: Translate, language: Language): { title: string; detail: string } {
  const key = `problem.${slugOf(problem.type)}`;
  const texts = problem.texts?.length ? ` (${problem.texts.join(" · ")})` : "";
  return { title: isKey(key) ? t(key) : problem.title, detail: said(problem.detail, language) + texts };
}

export function checkName(check: string, t: Translate): string {
  const key = `check.${check}`;
  return isKey(key) ? t(key) : check;
}

/** How a command stands; of one that was not carried out also why, and the autopilot's own words. */
export function commandText({ kind, state, result, texts }: CommandRecord, t: Translate, language: Language): string {
  const name = `command.${kind}`;
  const how = `command.state.${state}`;
  const command = isKey(name) ? t(name) : kind;
  const told = isKey(how) ? t(how, { command }) : `${command}: ${state}`;
  if (state === "issued" || state === "done") return told;
  return [told, said(result, language), ...texts.map((text) => `“${text}”`)].join(" · ");
}

export function alarmText(kind: AlarmKind, t: Translate): string {
  const key = `alarm.${kind}`;
  return isKey(key) ? t(key) : kind;
}

/** Which belief a guess follows from, how high it would be, and by how much it may be off. */
export function ghostText({ belief, alt_rel_m, radius_m }: Ghost, t: Translate): string {
  const key = `ghost.${belief}`;
  return `${isKey(key) ? t(key) : belief}\n${t("ghost.facts", { m: Math.round(alt_rel_m), off: Math.round(radius_m) })}`;
}

/** Who keeps a vehicle from its mission, and the failsafe by its name; `why` null: the service's own words tell. */
export function heldText({ by, code }: NonNullable<Sortie["held"]>, t: Translate): { who: string; why: string | null } {
  const key = `failsafe.${code}`;
  return { who: t(`held.${by}`), why: isKey(key) ? t(key) : null };
}

/** A link's health in figures; those that are nothing to speak of are left out. */
export function linkFacts(link: LinkHealth, t: Translate): string {
  const { lost_share, rtt_s, frames, bad_crc, duplicates, refused } = link;
  const counted: [Key, number][] = [["links.crc", bad_crc], ["links.duplicates", duplicates], ["links.refused", refused]];
  return [
    `${frames} ${t("links.frames")}`,
    lost_share === null ? "" : `${t("links.lost")} ${(100 * lost_share).toFixed(1)}%`,
    rtt_s === null ? "" : `${t("links.rtt")} ${Math.round(1000 * rtt_s)} ms`,
    ...counted.map(([key, n]) => (n ? `${t(key)} ${n}` : "")),
  ]
    .filter(Boolean)
    .join(" · ");
}

export interface Standing {
  key: Key;
  tone: "idle" | "good" | "active" | "warn" | "bad";
}

/** What a vehicle is doing, in one word, worst first. Ages are left to `freshness`. */
export function standing(vehicle: VehicleState, sortie: Key | null): Standing {
  if (vehicle.link === "never") return { key: "vehicle.never", tone: "idle" };
  if (vehicle.link === "lost") return { key: "vehicle.lost", tone: "bad" };
  if (vehicle.fence_breached) return { key: "vehicle.breach", tone: "bad" };
  if (sortie) return { key: sortie, tone: sortie === "state.paused" || sortie === "state.held" ? "warn" : "active" };
  if (isAirborne(vehicle)) return { key: "vehicle.flying", tone: "active" };
  if (vehicle.armed) return { key: "vehicle.armed", tone: "warn" };
  // Whether one could have taken off is not recorded.
  if (vehicle.link === "replayed") return { key: "vehicle.ground", tone: "idle" };
  return vehicle.ready ? { key: "vehicle.ready", tone: "good" } : { key: "vehicle.notReady", tone: "warn" };
}

export function isAirborne({ landed, armed }: VehicleState): boolean {
  return landed === "in_air" || landed === "taking_off" || (landed === "landing" && armed !== false);
}

const MODES_ZH: Readonly<Record<string, string>> = {
  AUTO: "自动",
  GUIDED: "引导",
  RTL: "返航",
  SMART_RTL: "原路返航",
  AUTO_RTL: "自动返航",
  LOITER: "悬停",
  BRAKE: "刹停",
  LAND: "降落",
  STABILIZE: "自稳",
  ALT_HOLD: "定高",
  POSHOLD: "定点",
};

/** The autopilot's mode; its own name stays readable beside the translation. */
export function modeText(mode: string | null, language: Language): string {
  if (!mode) return "–";
  const word = language === "zh" ? MODES_ZH[mode] : undefined;
  return word ? `${word} ${mode}` : mode;
}
