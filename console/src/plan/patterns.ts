/** The catalog of patterns and tasks by the names that the draft uses. */

import type { Drawn, Pattern, PatternSpec, Template } from "../api/model";
import type { Language } from "../i18n";
import { places } from "../state/places";

export const patternOf = (pattern: Pattern): PatternSpec | null =>
  places.get().patterns.find((each) => each.pattern === pattern) ?? null;

export const templateOf = (id: string | null): Template | null =>
  (id && places.get().templates.find((each) => each.id === id)) || null;

export const nameIn = (language: Language, { name, name_en }: { name: string; name_en: string }): string =>
  (language === "en" && name_en) || name;

/** `drawn` as `spec` takes it: one point and several are each other's special case; null when it cannot be. */
export function fitting(drawn: Drawn | null, { geometry }: PatternSpec): Drawn | null {
  if (!drawn || geometry.includes(drawn.type)) return drawn;
  if (drawn.type === "Point" && geometry.includes("MultiPoint")) return { type: "MultiPoint", coordinates: [drawn.coordinates] };
  const [only, ...others] = drawn.type === "MultiPoint" ? drawn.coordinates : [];
  return only && !others.length && geometry.includes("Point") ? { type: "Point", coordinates: only } : null;
}

const USUAL: Record<Drawn["type"], Pattern> = { Polygon: "survey", LineString: "route", Point: "orbit", MultiPoint: "watch" };

/** The pattern for what was drawn or loaded: the present one where it fits, else the usual one. */
export function patternFor(drawn: Drawn, present: Pattern): Pattern {
  const spec = patternOf(present);
  const fits = spec ? fitting(drawn, spec) !== null : USUAL[drawn.type] === present;
  return fits ? present : USUAL[drawn.type];
}
