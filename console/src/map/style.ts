/** The map's style. No tiles, no sprite, no `glyphs`: without that URL MapLibre draws text with local fonts. */

import type { LayerSpecification, SourceSpecification, StyleSpecification } from "maplibre-gl";
import type { Role } from "../api/model";
import { palette } from "./palette";

export const SOURCES = [
  "district",
  "grid",
  "zones",
  "zone-labels",
  "docks",
  "fence",
  "path",
  "waypoints",
  "conflicts",
  "conflict-labels",
  "rally",
  "focus",
  "tracks",
  "ghosts",
  "aim",
] as const;
export type SourceId = (typeof SOURCES)[number];

const FONT = ["Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "sans-serif"];
const text = { "text-font": FONT, "text-max-width": 10 } as const;
const halo = { "text-halo-color": palette.halo, "text-halo-width": 1.4 } as const;
const round = { "line-cap": "round", "line-join": "round" } as const;
const byRole = ["match", ["get", "role"], "exclusion", palette.exclusion, "advisory", palette.advisory, "no-film", palette["no-film"], palette.inclusion];
const counting = (role: Role) => ["all", ["==", ["get", "role"], role], ["get", "now"]] as never;

const ground: LayerSpecification[] = [
  { id: "background", type: "background", paint: { "background-color": palette.water } },
  { id: "district-fill", type: "fill", source: "district", paint: { "fill-color": palette.land } },
  { id: "grid", type: "line", source: "grid", paint: { "line-color": palette.grid, "line-width": 1 } },
  { id: "district-glow", type: "line", source: "district", paint: { "line-color": palette.border, "line-width": 7, "line-blur": 7, "line-opacity": 0.35 } },
  { id: "district-line", type: "line", source: "district", paint: { "line-color": palette.border, "line-width": 1.2 } },
];

const zones: LayerSpecification[] = [
  { id: "advisory-fill", type: "fill", source: "zones", filter: counting("advisory"), paint: { "fill-color": palette.advisory, "fill-opacity": 0.07 } },
  { id: "advisory-line", type: "line", source: "zones", filter: counting("advisory"), paint: { "line-color": palette.advisory, "line-width": 1.2, "line-dasharray": [4, 3], "line-opacity": 0.9 } },
  { id: "inclusion-line", type: "line", source: "zones", filter: counting("inclusion"), paint: { "line-color": palette.inclusion, "line-width": 1.4, "line-opacity": 0.9 } },
  { id: "no-film-fill", type: "fill", source: "zones", filter: counting("no-film"), paint: { "fill-color": palette["no-film"], "fill-opacity": 0.1 } },
  { id: "no-film-line", type: "line", source: "zones", filter: counting("no-film"), paint: { "line-color": palette["no-film"], "line-width": 1.3, "line-dasharray": [1, 2] }, layout: round },
  { id: "exclusion-fill", type: "fill", source: "zones", filter: counting("exclusion"), paint: { "fill-color": palette.exclusion, "fill-opacity": 0.12 } },
  { id: "exclusion-hatch", type: "fill", source: "zones", filter: counting("exclusion"), paint: { "fill-pattern": "hatch" } },
  { id: "exclusion-line", type: "line", source: "zones", filter: counting("exclusion"), paint: { "line-color": palette.exclusion, "line-width": 1.4 } },
];

const off: LayerSpecification[] = [
  { id: "zones-off", type: "line", source: "zones", filter: ["!", ["get", "now"]], paint: { "line-color": byRole as never, "line-width": 1, "line-dasharray": [2, 4], "line-opacity": 0.5 } },
];

const plan: LayerSpecification[] = [
  { id: "fence-wall-fill", type: "fill", source: "fence", filter: ["get", "wall"], paint: { "fill-color": palette.halo, "fill-opacity": 0.45 } },
  { id: "fence-wall", type: "line", source: "fence", filter: ["get", "wall"], paint: { "line-color": palette.fence, "line-width": 2 } },
  { id: "fence-fill", type: "fill", source: "fence", filter: ["!", ["get", "wall"]], paint: { "fill-color": palette.fence, "fill-opacity": 0.04 } },
  { id: "fence-line", type: "line", source: "fence", filter: ["!", ["get", "wall"]], paint: { "line-color": palette.fence, "line-width": 1.2, "line-dasharray": [2, 2], "line-opacity": 0.75 } },
  { id: "path-casing", type: "line", source: "path", layout: round, paint: { "line-color": palette.halo, "line-width": 5, "line-opacity": 0.6 } },
  { id: "path-transit", type: "line", source: "path", filter: ["==", ["get", "part"], "transit"], paint: { "line-color": palette.plan, "line-width": 1.6, "line-dasharray": [3, 2.5], "line-opacity": 0.85 } },
  { id: "path-work", type: "line", source: "path", filter: ["==", ["get", "part"], "work"], layout: round, paint: { "line-color": palette.plan, "line-width": 2.2 } },
  { id: "conflict-fill", type: "fill", source: "conflicts", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": palette.conflict, "fill-opacity": 0.3 } },
  { id: "conflict-glow", type: "line", source: "conflicts", layout: round, paint: { "line-color": palette.conflict, "line-width": 14, "line-blur": 9, "line-opacity": 0.55 } },
  { id: "conflict-line", type: "line", source: "conflicts", layout: round, paint: { "line-color": palette.conflict, "line-width": 4 } },
  { id: "conflict-point", type: "circle", source: "conflicts", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 7, "circle-color": palette.conflict, "circle-stroke-color": palette.halo, "circle-stroke-width": 2 } },
  { id: "focus-fill", type: "fill", source: "focus", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": palette.focus, "fill-opacity": 0.12 } },
  { id: "focus-glow", type: "line", source: "focus", layout: round, paint: { "line-color": palette.focus, "line-width": 12, "line-blur": 8, "line-opacity": 0.45 } },
  { id: "focus-line", type: "line", source: "focus", layout: round, paint: { "line-color": palette.focus, "line-width": 3 } },
  { id: "focus-point", type: "circle", source: "focus", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 9, "circle-color": palette.focus, "circle-opacity": 0.4, "circle-stroke-color": palette.focus, "circle-stroke-width": 2 } },
  { id: "path-arrows", type: "symbol", source: "path", layout: { "symbol-placement": "line", "symbol-spacing": 90, "icon-image": "arrow", "icon-allow-overlap": true, "icon-ignore-placement": true } },
];

const live: LayerSpecification[] = [
  { id: "track-casing", type: "line", source: "tracks", layout: round, paint: { "line-color": palette.halo, "line-width": 5, "line-opacity": 0.5 } },
  { id: "track", type: "line", source: "tracks", layout: round, paint: { "line-color": palette.track, "line-width": ["case", ["get", "selected"], 2.8, 1.8], "line-opacity": ["case", ["get", "selected"], 1, 0.55] } },
];

const ghosts: LayerSpecification[] = [
  { id: "ghost-fill", type: "fill", source: "ghosts", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": palette.ghost, "fill-opacity": 0.07 } },
  { id: "ghost-edge", type: "line", source: "ghosts", filter: ["==", ["geometry-type"], "Polygon"], paint: { "line-color": palette.ghost, "line-width": 1.2, "line-dasharray": [2, 3], "line-opacity": 0.8 } },
  { id: "ghost-way", type: "line", source: "ghosts", filter: ["==", ["geometry-type"], "LineString"], paint: { "line-color": palette.ghost, "line-width": 1, "line-dasharray": [1, 4], "line-opacity": 0.8 } },
  { id: "ghost-point", type: "circle", source: "ghosts", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 8, "circle-opacity": 0, "circle-stroke-color": palette.ghost, "circle-stroke-width": 1.6 } },
  { id: "ghost-label", type: "symbol", source: "ghosts", filter: ["==", ["geometry-type"], "Point"], layout: { ...text, "text-max-width": 16, "text-field": ["get", "label"], "text-size": 11.5, "text-variable-anchor": ["left", "right", "top", "bottom"], "text-radial-offset": 1.1, "text-justify": "auto", "text-allow-overlap": true }, paint: { "text-color": palette.ghost, ...halo } },
];

const aim: LayerSpecification[] = [
  { id: "aim-circle", type: "line", source: "aim", filter: ["==", ["get", "part"], "circle"], paint: { "line-color": palette.aim, "line-width": 1.2, "line-dasharray": [3, 3] } },
  { id: "aim-sight", type: "line", source: "aim", filter: ["==", ["get", "part"], "sight"], paint: { "line-color": palette.aim, "line-width": 1, "line-dasharray": [1, 3] } },
  { id: "aim-place", type: "circle", source: "aim", filter: ["==", ["get", "part"], "place"], paint: { "circle-radius": 11, "circle-opacity": 0, "circle-stroke-color": palette.aim, "circle-stroke-width": 2 } },
  { id: "aim-look", type: "circle", source: "aim", filter: ["==", ["get", "part"], "look"], paint: { "circle-radius": 4, "circle-color": palette.aim } },
];

const labels: LayerSpecification[] = [
  { id: "rally", type: "symbol", source: "rally", layout: { ...text, "icon-image": "rally", "icon-allow-overlap": true, "text-field": ["get", "label"], "text-size": 11, "text-offset": [0, 1.2], "text-anchor": "top", "text-optional": true }, paint: { "text-color": palette.rally, ...halo } },
  // Where waypoints lie too close for all their numbers, some are dots until one zooms in.
  { id: "waypoint-dots", type: "circle", source: "waypoints", minzoom: 11, paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, 2, 13.8, 4], "circle-color": palette.plan, "circle-stroke-color": ["case", ["get", "acts"], palette.acts, palette.halo], "circle-stroke-width": 1.2 } },
  { id: "waypoint-numbers", type: "symbol", source: "waypoints", minzoom: 13.8, layout: { ...text, "symbol-sort-key": ["get", "index"], "icon-image": ["case", ["get", "acts"], "waypoint-acts", "waypoint"], "icon-padding": 0, "text-field": ["get", "number"], "text-size": 10.5, "text-padding": 0 }, paint: { "text-color": palette.planText } },
  { id: "docks", type: "symbol", source: "docks", layout: { ...text, "icon-image": "dock", "icon-allow-overlap": true, "text-field": ["get", "label"], "text-size": 12, "text-offset": [0, 1.35], "text-anchor": "top", "text-optional": true }, paint: { "text-color": palette.dock, ...halo } },
  { id: "conflict-labels", type: "symbol", source: "conflict-labels", layout: { ...text, "text-max-width": 14, "text-field": ["get", "label"], "text-size": 13, "text-variable-anchor": ["bottom", "top", "right", "left"], "text-radial-offset": 1, "text-allow-overlap": true }, paint: { "text-color": palette.conflict, ...halo, "text-halo-width": 2 } },
  { id: "zone-labels", type: "symbol", source: "zone-labels", layout: { ...text, "text-field": ["get", "label"], "text-size": ["interpolate", ["linear"], ["zoom"], 10, 11, 15, 13], "symbol-sort-key": ["get", "order"] }, paint: { "text-color": byRole as never, ...halo } },
];

export function mapStyle(): StyleSpecification {
  const empty = (): SourceSpecification => ({ type: "geojson", data: { type: "FeatureCollection", features: [] } });
  return {
    version: 8,
    sources: Object.fromEntries(SOURCES.map((id) => [id, empty()])),
    layers: [...ground, ...zones, ...off, ...plan, ...live, ...aim, ...labels, ...ghosts],
  };
}
