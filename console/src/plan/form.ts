/** The form of a pattern, made from the catalog: which parameters to show, what stands for those that are not told. */

import type { ParameterSpec, PatternSpec, Template, Value } from "../api/model";

/** The parameters that were told, by name. */
export type Told = Readonly<Record<string, Value>>;

export interface Parameter {
  spec: ParameterSpec;
  told: Value | null;
  /** What counts while nothing is told; null: it may be absent. */
  standing: Value | null;
  /** The parameter that was told in its place. */
  replacedBy: string | null;
}

export interface Form {
  /** What every flight of this pattern needs to be told, and what the task itself sets. */
  main: readonly Parameter[];
  more: readonly Parameter[];
}

/** The form of `pattern` in the catalog's order; parameters that say nothing without another are left out with it. */
export function formOf(pattern: PatternSpec, standing: Told, told: Told): Form {
  const counts = (name: string) => name in told || name in standing;
  const shown = pattern.parameters.filter(({ needs }) => !needs || counts(needs));
  const all = shown.map((spec) => parameterOf(spec, pattern, standing, told));
  const isMain = ({ spec }: Parameter) => spec.required || spec.default !== null || spec.name in standing;
  return { main: all.filter((each) => isMain(each)), more: all.filter((each) => !isMain(each)) };
}

function parameterOf(spec: ParameterSpec, pattern: PatternSpec, standing: Told, told: Told): Parameter {
  const { name } = spec;
  const replacedBy = rivalsOf(pattern, name).find((rival) => rival in told) ?? null;
  const usual = standing[name] ?? spec.default;
  return { spec, told: told[name] ?? null, standing: replacedBy ? null : usual, replacedBy };
}

/** The parameters that cannot be told together with `name`. */
export function rivalsOf({ parameters }: PatternSpec, name: string): string[] {
  return parameters.flatMap(({ name: other, instead_of: other_than }) => {
    if (!other_than) return [];
    if (other === name) return [other_than];
    return other_than === name ? [other] : [];
  });
}

/** `told` with `name` told as `value` (null: no more): its rivals go, and what says nothing without what went. */
export function tell(pattern: PatternSpec, told: Told, name: string, value: Value | null): Told {
  const gone = new Set(value === null ? [name] : rivalsOf(pattern, name));
  for (const { name: other, needs } of pattern.parameters) if (needs && gone.has(needs)) gone.add(other);
  const kept = Object.entries(told).filter(([each]) => !gone.has(each));
  return Object.fromEntries(value === null ? kept : [...kept, [name, value]]);
}

/** Only what `pattern` has: a parameter of another one would be refused. */
export function ownOf({ parameters }: PatternSpec, told: Told): Told {
  const own = new Set(parameters.map(({ name }) => name));
  return Object.fromEntries(Object.entries(told).filter(([name]) => own.has(name)));
}

/** What a task stands for on an airframe; one that it does not know flies as the task's first. */
export function standingOf(template: Template | null, airframe: string | null): Told {
  const defaults: Readonly<Record<string, Told>> = template?.defaults ?? {};
  return defaults[airframe ?? ""] ?? Object.values(defaults)[0] ?? {};
}

export type Pen = "polygon" | "line" | "point" | "points";

/** What a pattern is drawn with. */
export function penOf({ geometry }: PatternSpec): Pen {
  if (geometry.includes("MultiPoint")) return "points";
  if (geometry.includes("Point")) return "point";
  return geometry.includes("Polygon") ? "polygon" : "line";
}
