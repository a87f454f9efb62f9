/** Lines of a proof in the operator's words. */

import type { ProofCheck } from "../api/model";
import { formatGap } from "../geo/format";
import { isKey, type Language, type Translate } from "./index";
import type { Key } from "./messages";
import { said } from "./phrases";
import { legText } from "./wording";

/** What a line is about, by how its sentence begins: missions/prove/rules.py. */
const MOVEMENTS: readonly (readonly [RegExp, Key])[] = [
  [/^The leg /, "movement.leg"],
  [/^The turn /, "movement.turn"],
  [/^The column /, "movement.column"],
  [/^The climb /, "movement.climb"],
  [/^The straight return /, "movement.return"],
  [/^The way back /, "movement.retrace"],
  [/^A landing /, "movement.landing"],
];

/** What the rule asks, in words; a rule that this console does not know keeps its name. */
export function ruleText(rule: string, t: Translate): string {
  const key = `rule.${rule}`;
  return isKey(key) ? t(key) : rule;
}

/** What was found: where, how near to what, and how near it may be. Lines that measure nothing say it in a sentence. */
export function foundText(check: ProofCheck, waypoints: number, zone: string | null, t: Translate, language: Language): string {
  const { gap_m: gap, needed_m: needed, leg, ok } = check;
  if (gap === null) return ok ? said(check.detail, language, "") : said(check.detail, language);
  const movement = MOVEMENTS.find(([form]) => form.test(check.detail))?.[1];
  const where = leg && movement ? `${t(movement, { leg: legText(leg, waypoints, t) })} · ` : "";
  const measured = t(needed === null ? "proof.found" : "proof.foundNeeded", { gap: formatGap(gap), needed: needed === null ? "" : formatGap(needed) });
  return `${where}${measured}${zone ? ` · ${zone}` : ""}`;
}
