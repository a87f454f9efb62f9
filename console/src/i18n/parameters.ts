/** Parameters of patterns in words; what this dictionary does not know is said with the catalog's own meaning. */

import type { ParameterSpec, Value } from "../api/model";
import { isKey, type Language, type Translate } from "./index";

/** A short name; of one that is new the first clause of its meaning. */
export function labelText(spec: ParameterSpec, t: Translate, language: Language): string {
  const key = `param.${spec.name}`;
  return isKey(key) ? t(key) : (helpText(spec, language).split(/[，；：（,;:(]/)[0] ?? spec.name).trim();
}

export function helpText({ meaning, meaning_zh }: ParameterSpec, language: Language): string {
  return language === "en" ? meaning : meaning_zh;
}

/** "5–500 m", "≥ 1", or "" where any number will do. */
export function boundsText({ low, high, unit, kind }: ParameterSpec, t: Translate): string {
  if (kind === "flag" || kind === "word" || (low === null && high === null)) return "";
  const of = unitText(unit);
  if (low === null) return `≤ ${high}${of && ` ${of}`}`;
  if (high === null) return `≥ ${low}${of && ` ${of}`}`;
  return t("plan.bounds", { low, high, unit: of }).trim();
}

const UNITS: Readonly<Record<string, string>> = { deg: "°", mps: "m/s" };

export const unitText = (unit: string): string => UNITS[unit] ?? unit;

/** A value as a form shows it; words of a choice in the page's language. */
export function valueText(value: Value, t: Translate): string {
  if (typeof value === "boolean") return t(value ? "value.yes" : "value.no");
  const key = `word.${value}`;
  return isKey(key) ? t(key) : String(value);
}
