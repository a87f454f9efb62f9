/** Terra Draw, reduced to what a patrol needs: one area or one line, drawn with clicks, then edited. */

import type { LineString, Polygon } from "geojson";
import type { Map as MapLibre } from "maplibre-gl";
import {
  type GeoJSONStoreFeatures,
  TerraDraw,
  TerraDrawLineStringMode,
  TerraDrawPolygonMode,
  TerraDrawSelectMode,
} from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";
import type { Pattern } from "../api/model";
import { palette } from "./palette";

export interface Drawing {
  /** Takes the pen; anything drawn before goes. */
  pen(pattern: Pattern): void;
  /** Shows `geometry` ready to be edited; null clears. */
  show(geometry: Polygon | LineString | null): void;
  stop(): void;
}

const MODES: Partial<Record<Pattern, string>> = { survey: "polygon", route: "linestring" };

const outline = { outlineColor: palette.plan, outlineWidth: 2, fillColor: palette.plan, fillOpacity: 0.12 } as const;
const handle = { Color: palette.plan, OutlineColor: "#ffffff" } as const;

function modes() {
  const flags = { feature: { draggable: true, coordinates: { midpoints: true, draggable: true, deletable: true } } };
  return [
    new TerraDrawPolygonMode({
      styles: { ...outline, closingPointColor: handle.Color, closingPointOutlineColor: handle.OutlineColor, closingPointWidth: 7 },
    }),
    new TerraDrawLineStringMode({
      styles: { lineStringColor: palette.plan, lineStringWidth: 2, closingPointColor: handle.Color, closingPointOutlineColor: handle.OutlineColor, closingPointWidth: 6 },
    }),
    new TerraDrawSelectMode({
      flags: { polygon: flags, linestring: flags },
      // The drawing stays selected: clicking beside it must not hide its handles.
      allowManualDeselection: false,
      keyEvents: null,
      styles: {
        selectedPolygonColor: palette.plan,
        selectedPolygonFillOpacity: 0.1,
        selectedPolygonOutlineColor: palette.plan,
        selectedPolygonOutlineWidth: 1.5,
        selectedLineStringColor: palette.plan,
        selectedLineStringWidth: 1.5,
        selectionPointColor: "#ffffff",
        selectionPointOutlineColor: palette.plan,
        selectionPointWidth: 5,
        midPointColor: palette.plan,
        midPointOutlineColor: palette.halo,
        midPointWidth: 3.5,
      },
    }),
  ];
}

type Drawn = { geometry: Polygon | LineString };

const isDrawn = ({ geometry, properties }: GeoJSONStoreFeatures): boolean =>
  (geometry.type === "Polygon" && properties.mode === "polygon") ||
  (geometry.type === "LineString" && properties.mode === "linestring");

/** `onChange` hears of the finished drawing and of every edit of it. The map's style must be loaded. */
export function startDrawing(map: MapLibre, onChange: (geometry: Polygon | LineString) => void): Drawing {
  // Below the numbers: a route's vertices are its waypoints, and which is which must stay readable.
  const adapter = new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: 7, renderBelowLayerId: "waypoint-dots" });
  const draw = new TerraDraw({ adapter, modes: modes() });
  let editing = false;
  draw.start();

  const report = () => {
    const drawn = draw.getSnapshot().find(isDrawn) as Drawn | undefined;
    if (drawn) onChange(drawn.geometry);
  };
  const edit = () => {
    const drawn = draw.getSnapshot().find(isDrawn);
    editing = true;
    draw.setMode("select");
    if (drawn?.id !== undefined) draw.selectFeature(drawn.id);
  };
  draw.on("finish", (_id, { action }) => {
    if (action !== "draw") return;
    // Terra Draw is still inside its own click handler here.
    queueMicrotask(() => {
      edit();
      report();
    });
  });
  draw.on("change", (_ids, type, context) => {
    const byUs = context !== undefined && "origin" in context;
    if (editing && type === "update" && !byUs) report();
  });

  const clear = () => {
    editing = false;
    draw.clear();
  };
  return {
    pen(pattern) {
      clear();
      draw.setMode(MODES[pattern] ?? "linestring");
      map.getCanvas().focus();
    },
    show(geometry) {
      clear();
      draw.setMode("select");
      if (!geometry) return;
      const mode = geometry.type === "Polygon" ? "polygon" : "linestring";
      draw.addFeatures([{ type: "Feature", geometry, properties: { mode } }]);
      edit();
    },
    stop: () => draw.stop(),
  };
}
