/** The patrol that is being planned: what was drawn, what was set, what the service makes of it. */

import type { LineString, Polygon } from "geojson";
import type { MissionFeature, Pattern, Plan } from "../api/model";
import type { FieldError, Problem } from "../api/problem";
import { t } from "../i18n";
import { createStore } from "../state/store";
import { openSide, showOnMap } from "../state/view";

export interface Draft {
  /** A draft of nothing is closed. */
  open: boolean;
  /** The stored mission that this draft changes; null: a new one. */
  base: { missionId: string; revision: number } | null;
  pattern: Pattern;
  /** True while points are being set on the map. */
  drawing: boolean;
  geometry: Polygon | LineString | null;
  name: string;
  altRelM: number | null;
  speedMps: number | null;
  spacingM: number | null;
  headingDeg: number | null;
  dockId: string | null;
  vehicleId: string | null;
}

export type Preview =
  | { status: "none" }
  | { status: "loading"; plan: Plan | null }
  | { status: "planned"; plan: Plan }
  | { status: "invalid"; errors: readonly FieldError[] }
  | { status: "failed"; problem: Problem };

const CLOSED: Draft = {
  open: false,
  base: null,
  pattern: "survey",
  drawing: false,
  geometry: null,
  name: "",
  altRelM: 60,
  speedMps: 8,
  spacingM: 40,
  headingDeg: null,
  dockId: null,
  vehicleId: null,
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

export function editMission(missionId: string, revision: number, { geometry, properties }: MissionFeature): void {
  draft.set({
    ...CLOSED,
    open: true,
    base: { missionId, revision },
    pattern: properties.pattern ?? CLOSED.pattern,
    geometry: geometry.type === "LineString" || geometry.type === "Polygon" ? geometry : null,
    name: properties.name ?? "",
    altRelM: properties.alt_rel_m ?? null,
    speedMps: properties.speed_mps ?? null,
    spacingM: properties.spacing_m ?? CLOSED.spacingM,
    headingDeg: properties.heading_deg ?? null,
    dockId: properties.dock_id ?? null,
  });
  showOnMap(null);
  openSide({ kind: "planner" });
}

export function closeDraft(): void {
  draft.set(CLOSED);
  openSide({ kind: "lists" });
}

/** Takes the pen for an area or a line; what was drawn before goes. */
export function draw(pattern: Pattern): void {
  change({ pattern, drawing: true, geometry: null });
}

export function takeGeometry(geometry: Polygon | LineString, name: string | null = null): void {
  const pattern: Pattern = geometry.type === "Polygon" ? "survey" : "route";
  change({ geometry, pattern, drawing: false, ...(name ? { name } : {}) });
}

/** What goes to the service; null while there is nothing to plan. Emptied fields are left out, so that it names them. */
export function featureOf(now: Draft): MissionFeature | null {
  if (!now.geometry) return null;
  const { name, pattern, altRelM, speedMps, spacingM, headingDeg, dockId } = now;
  const survey = pattern === "survey";
  const properties = {
    name: name.trim() || defaultName(pattern),
    pattern,
    ...(altRelM === null ? {} : { alt_rel_m: altRelM }),
    ...(speedMps === null ? {} : { speed_mps: speedMps }),
    ...(dockId === null ? {} : { dock_id: dockId }),
    ...(survey && spacingM !== null ? { spacing_m: spacingM } : {}),
    ...(survey && headingDeg !== null ? { heading_deg: headingDeg } : {}),
  };
  return { type: "Feature", geometry: now.geometry, properties: properties as MissionFeature["properties"] };
}

export function defaultName(pattern: Pattern): string {
  return t(pattern === "survey" ? "plan.defaultSurvey" : "plan.defaultRoute");
}
