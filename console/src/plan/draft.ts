/** The patrol that is being planned: what was drawn, what was told, what the service makes of it. */

import type { Position } from "geojson";
import type { Drawn, MissionFeature, Pattern, Plan, Proposal, ReturnMode, Value } from "../api/model";
import type { FieldError, Problem } from "../api/problem";
import { language } from "../i18n";
import { createStore } from "../state/store";
import { openSide, showOnMap } from "../state/view";
import { ownOf, type Pen, penOf, tell, type Told } from "./form";
import { mergePatch } from "./mergePatch";
import { fitting, nameIn, patternFor, patternOf, templateOf } from "./patterns";

/** From where an altitude counts: above home, or above the ground under the vehicle (真高). */
export type Datum = "rel" | "agl";

export interface Draft {
  /** A draft of nothing is closed. */
  open: boolean;
  /** The stored mission that this draft changes; null: a new one. */
  base: { missionId: string; revision: number } | null;
  pattern: Pattern;
  /** The task that stands for what is not told. */
  template: string | null;
  /** True while points are being set on the map. */
  drawing: boolean;
  geometry: Drawn | null;
  name: string;
  altM: number | null;
  datum: Datum;
  speedMps: number | null;
  parameters: Told;
  dockId: string | null;
  vehicleId: string | null;
  /** RFC 3339; null: at once. */
  departsAt: string | null;
  returns: ReturnMode | null;
  rally: readonly Position[];
}

export type Preview =
  | { status: "none" }
  | { status: "loading"; plan: Plan | null }
  | { status: "planned"; plan: Plan }
  | { status: "invalid"; errors: readonly FieldError[] }
  | { status: "failed"; problem: Problem };

/** What a drawing without a task starts from. */
const USUAL = { altM: 60, datum: "rel", speedMps: 8 } as const;

const CLOSED: Draft = {
  open: false,
  base: null,
  pattern: "survey",
  template: null,
  drawing: false,
  geometry: null,
  name: "",
  ...USUAL,
  parameters: {},
  dockId: null,
  vehicleId: null,
  departsAt: null,
  returns: null,
  rally: [],
};

export const draft = createStore<Draft>(CLOSED);
export const preview = createStore<Preview>({ status: "none" });

export const change = (part: Partial<Draft>) => draft.update((now) => ({ ...now, ...part }));

/** Opens the planner with the pen in hand: drawing is the first act. */
export function startDraft(): void {
  draft.set({ ...CLOSED, open: true, drawing: true });
  showOnMap(null);
  openSide({ kind: "planner" });
}

export function editMission(missionId: string, revision: number, feature: MissionFeature): void {
  draft.set({ ...CLOSED, ...asked(feature), open: true, base: { missionId, revision } });
  showOnMap(null);
  openSide({ kind: "planner" });
}

export function closeDraft(): void {
  draft.set(CLOSED);
  openSide({ kind: "lists" });
}

/** Flies another pattern or task; the drawing stays where it fits, else the pen is taken for a new one. */
export function choosePattern(pattern: Pattern, template: string | null): void {
  const spec = patternOf(pattern);
  draft.update((now) => {
    const geometry = spec && fitting(now.geometry, spec);
    // A task knows its own height and speed; without one they must be told.
    const flown = template ? { altM: null, datum: "rel" as const, speedMps: null } : now.template ? USUAL : {};
    return { ...now, ...flown, pattern, template, parameters: {}, geometry, drawing: geometry === null };
  });
}

/** Draws anew what is drawn. */
export const redraw = () => change({ drawing: true, geometry: null });

/** Takes a drawing; several points may go on being drawn until `endDrawing`. */
export function takeGeometry(drawn: Drawn, { name = null, more = false }: { name?: string | null; more?: boolean } = {}): void {
  draft.update((now) => {
    const pattern = patternFor(drawn, now.pattern);
    const spec = patternOf(pattern);
    const geometry = (spec && fitting(drawn, spec)) ?? drawn;
    const same = pattern === now.pattern;
    const kept = same ? {} : { parameters: {}, template: null, ...(now.template ? USUAL : {}) };
    return { ...now, ...kept, pattern, geometry, drawing: more, ...(name ? { name } : {}) };
  });
}

export function endDrawing(): void {
  draft.update((now) => (now.drawing && now.geometry ? { ...now, drawing: false } : now));
}

/** The pen that the draft asks for; null while nothing is drawn. */
export function penWanted({ open, drawing, pattern }: Draft): Pen | null {
  if (!open || !drawing) return null;
  const spec = patternOf(pattern);
  return spec ? penOf(spec) : pattern === "survey" ? "polygon" : "line";
}

/** Tells a parameter of the pattern, null: no more. A resolution stands in place of an altitude. */
export function tellParameter(name: string, value: Value | null): void {
  draft.update((now) => {
    const spec = patternOf(now.pattern);
    if (!spec) return now;
    const parameters = tell(spec, now.parameters, name, value);
    const had = RESOLUTION in now.parameters;
    const altM = RESOLUTION in parameters ? null : had && now.altM === null && !now.template ? USUAL.altM : now.altM;
    return { ...now, parameters, altM };
  });
}

export const RESOLUTION = "resolution_cm";

/** Takes what the service proposes in place of what was asked. */
export function adopt({ change: patch }: Proposal): void {
  const now = draft.get();
  const feature = featureOf(now);
  if (feature) draft.set({ ...now, ...asked(mergePatch(feature, patch) as MissionFeature) });
}

const DATUMS: Record<Datum, "alt_rel_m" | "alt_agl_m"> = { rel: "alt_rel_m", agl: "alt_agl_m" };

/** What goes to the service; null while there is nothing to plan. Emptied fields are left out, so that it names them. */
export function featureOf(now: Draft): MissionFeature | null {
  if (!now.geometry) return null;
  const spec = patternOf(now.pattern);
  const told = {
    [DATUMS[now.datum]]: now.altM,
    speed_mps: now.speedMps,
    dock_id: now.dockId,
    departs_at: now.departsAt,
    returns: now.returns,
    rally: now.rally.length ? now.rally : null,
    template: now.template,
    ...(spec ? ownOf(spec, now.parameters) : now.parameters),
  };
  const properties = {
    name: now.name.trim() || defaultName(now),
    pattern: now.pattern,
    ...Object.fromEntries(Object.entries(told).filter(([, value]) => value !== null)),
  };
  return { type: "Feature", geometry: now.geometry, properties };
}

/** The part of a draft that a feature tells; the opposite of `featureOf`. */
function asked({ geometry, properties }: MissionFeature): Partial<Draft> {
  const pattern = properties.pattern ?? CLOSED.pattern;
  const members = Object.entries(properties).filter(([, value]) => value !== null && value !== undefined);
  const spec = patternOf(pattern);
  return {
    pattern,
    template: properties.template ?? null,
    drawing: false,
    geometry,
    name: properties.name ?? "",
    altM: properties.alt_rel_m ?? properties.alt_agl_m ?? null,
    datum: typeof properties.alt_agl_m === "number" ? "agl" : "rel",
    speedMps: properties.speed_mps ?? null,
    parameters: spec ? ownOf(spec, Object.fromEntries(members) as Told) : {},
    dockId: properties.dock_id ?? null,
    departsAt: properties.departs_at ?? null,
    returns: properties.returns ?? null,
    rally: properties.rally ?? [],
  };
}

export function defaultName({ pattern, template }: Pick<Draft, "pattern" | "template">): string {
  const named = templateOf(template) ?? patternOf(pattern);
  return named ? nameIn(language.get(), named) : pattern;
}
