/** Where the map looks. Panels cover its sides, so every move keeps its aim out from under them. */

import type { Map as MapLibre } from "maplibre-gl";
import type { Position } from "geojson";
import { boundsOf } from "../geo/geo";

let current: MapLibre | null = null;

export function setCamera(map: MapLibre | null): void {
  current = map;
}

const EDGE_PX = 40;

function padding(map: MapLibre) {
  const { clientWidth } = map.getContainer();
  const side = clientWidth > 900 ? 360 : EDGE_PX;
  return { top: 90, bottom: 120, left: side, right: side + 20 };
}

/** Shows all of `points`; does nothing without any. */
export function lookAt(points: readonly Position[], maxZoom = 15.5): void {
  const box = boundsOf(points);
  if (!current || !box) return;
  current.fitBounds(box, { padding: padding(current), maxZoom, duration: calm() ? 0 : 600 });
}

export function zoomBy(steps: number): void {
  current?.zoomTo(current.getZoom() + steps, { duration: calm() ? 0 : 200 });
}

/** Whether the operator asked the system for less motion. */
function calm(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
