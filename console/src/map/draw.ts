/** Terra Draw, reduced to what this console draws: an area, a line, points or a circle, with clicks, then edited. */

import type { LineString, Point, Polygon, Position } from "geojson";
import type { Map as MapLibre } from "maplibre-gl";
import {
  type GeoJSONStoreFeatures,
  type HexColor,
  TerraDraw,
  TerraDrawCircleMode,
  TerraDrawLineStringMode,
  TerraDrawPointMode,
  TerraDrawPolygonMode,
  TerraDrawSelectMode,
} from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";
import type { Drawn } from "../api/model";
import type { Pen } from "../plan/form";
import { palette } from "./palette";

export type AnyPen = Pen | "circle";
/** What the drawing is for; it is drawn in that colour. */
export type Ink = "plan" | "exclusion";

export interface Drawing {
  /** Takes the pen; anything drawn before goes. */
  pen(pen: AnyPen, ink: Ink): void;
  /** Ends drawing with what is there. */
  edit(): void;
  /** Shows `geometry` ready to be edited, or as it is; null clears. */
  show(geometry: Drawn | null, ink: Ink, editable?: boolean): void;
  stop(): void;
}

const MODES: Record<AnyPen, string> = { polygon: "polygon", line: "linestring", point: "point", points: "point", circle: "circle" };
const MODE_OF: Record<Drawn["type"], string> = { Polygon: "polygon", LineString: "linestring", Point: "point", MultiPoint: "point" };

function modes(color: () => HexColor) {
  const flags = { feature: { draggable: true, coordinates: { midpoints: true, draggable: true, deletable: true } } };
  const outline = { outlineColor: color, outlineWidth: 2, fillColor: color, fillOpacity: 0.12 } as const;
  const closing = { closingPointColor: color, closingPointOutlineColor: "#ffffff" } as const;
  return [
    new TerraDrawPolygonMode({ styles: { ...outline, ...closing, closingPointWidth: 7 } }),
    new TerraDrawLineStringMode({ styles: { lineStringColor: color, lineStringWidth: 2, ...closing, closingPointWidth: 6 } }),
    new TerraDrawPointMode({ styles: { pointColor: color, pointOutlineColor: "#ffffff", pointOutlineWidth: 2, pointWidth: 6 } }),
    new TerraDrawCircleMode({ styles: outline }),
    new TerraDrawSelectMode({
      flags: { polygon: flags, linestring: flags, point: { feature: { draggable: true } } },
      // The drawing stays selected: clicking beside it must not hide its handles.
      allowManualDeselection: false,
      keyEvents: null,
      styles: {
        selectedPolygonColor: color,
        selectedPolygonFillOpacity: 0.1,
        selectedPolygonOutlineColor: color,
        selectedPolygonOutlineWidth: 1.5,
        selectedLineStringColor: color,
        selectedLineStringWidth: 1.5,
        selectedPointColor: "#ffffff",
        selectedPointOutlineColor: color,
        selectedPointOutlineWidth: 2,
        selectedPointWidth: 7,
        selectionPointColor: "#ffffff",
        selectionPointOutlineColor: color,
        selectionPointWidth: 5,
        midPointColor: color,
        midPointOutlineColor: palette.halo,
        midPointWidth: 3.5,
      },
    }),
  ];
}

const DRAWN = new Set(["polygon", "linestring", "point", "circle"]);
const isDrawn = ({ properties }: GeoJSONStoreFeatures): boolean => DRAWN.has(String(properties.mode));

/** What all drawn features are together; null: nothing yet. */
function together(features: readonly GeoJSONStoreFeatures[]): Drawn | null {
  const [first, ...rest] = features.map(({ geometry }) => geometry);
  if (first?.type !== "Point" || !rest.length) return (first as Polygon | LineString | Point | undefined) ?? null;
  return { type: "MultiPoint", coordinates: [first, ...rest].map(({ coordinates }) => coordinates as Position) };
}

/** `onChange` hears of what is drawn and of every edit of it; `more`: further points may come. Needs the map's style. */
export function startDrawing(map: MapLibre, onChange: (geometry: Drawn, more: boolean) => void): Drawing {
  let ink: Ink = "plan";
  // Below the numbers: a route's vertices are its waypoints, and which is which must stay readable.
  const adapter = new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: 7, renderBelowLayerId: "waypoint-dots" });
  const draw = new TerraDraw({ adapter, modes: modes(() => palette[ink]) });
  let pen: AnyPen | null = null;
  let editing = false;
  draw.start();

  const drawn = () => draw.getSnapshot().filter(isDrawn);
  const report = (more: boolean) => {
    const found = together(drawn());
    if (found) onChange(found, more);
  };
  const edit = () => {
    const [only, ...others] = drawn();
    pen = null;
    editing = true;
    draw.setMode("select");
    if (only?.id !== undefined && !others.length) draw.selectFeature(only.id);
  };
  draw.on("finish", (_id, { action }) => {
    if (action !== "draw" || !pen) return;
    const used = pen;
    // Terra Draw is still inside its own click handler here.
    queueMicrotask(() => {
      if (used === "circle") draw.setMode("static");
      else if (used !== "points") edit();
      report(used === "points");
    });
  });
  draw.on("change", (_ids, type, context) => {
    const byUs = context !== undefined && "origin" in context;
    if (editing && type === "update" && !byUs) report(false);
  });

  const clear = () => {
    editing = false;
    pen = null;
    draw.clear();
  };
  return {
    pen(next, color) {
      clear();
      ink = color;
      draw.setMode(MODES[next]);
      pen = next;
      map.getCanvas().focus();
    },
    edit,
    show(geometry, color, editable = true) {
      clear();
      ink = color;
      draw.setMode(editable ? "select" : "static");
      if (!geometry) return;
      const parts = geometry.type === "MultiPoint" ? geometry.coordinates.map(pointAt) : [geometry];
      const mode = MODE_OF[geometry.type];
      draw.addFeatures(parts.map((part) => ({ type: "Feature", geometry: part, properties: { mode } })));
      if (editable) edit();
    },
    stop: () => draw.stop(),
  };
}

const pointAt = (coordinates: Position): Point => ({ type: "Point", coordinates });
