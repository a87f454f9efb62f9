/** Makes the map and everything that lives on it. Loaded on its own: the engine is most of the console's weight. */

import "maplibre-gl/dist/maplibre-gl.css";
import { Map as MapLibre, ScaleControl, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { Polygon } from "geojson";
import { outlineOf, takeZone, type ZoneShape, zoneDraft } from "../airspace/zoneDraft";
import type { Drawn } from "../api/model";
import { boundsOf, positions } from "../geo/geo";
import { draft, endDrawing, penWanted, takeGeometry } from "../plan/draft";
import { places } from "../state/places";
import { setCamera, lookAt } from "./camera";
import { type AnyPen, type Ink, startDrawing } from "./draw";
import { startAsking } from "./asks";
import { startFeed } from "./feed";
import { addImages } from "./images";
import { startOverlay } from "./overlay";
import { mapStyle } from "./style";
import { startTooltip } from "./tooltip";

/** The middle of the district, until its outline is here. */
const START = { center: [121.08, 31.12], zoom: 10.2 } as const;

/** Starts the map in `container` with the vehicles in `over`; returns how to stop. Throws without WebGL. */
export function startMap(container: HTMLElement, over: HTMLElement): () => void {
  setWorkerUrl(workerUrl);
  const map = new MapLibre({
    container,
    style: mapStyle(),
    center: [...START.center],
    zoom: START.zoom,
    minZoom: 8,
    maxZoom: 19,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    renderWorldCopies: false,
    fadeDuration: 0,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
  setCamera(map);

  const stops: (() => void)[] = [startOverlay(map, over), frameDistrict()];
  map.once("load", () => {
    addImages(map);
    stops.push(startFeed(map), followDrafts(map), startAsking(map), startTooltip(map, over));
    container.dataset.ready = "true";
  });
  return () => {
    for (const stop of stops) stop();
    setCamera(null);
    map.remove();
  };
}

/** Shows the whole district once, when its outline arrives. */
function frameDistrict(): () => void {
  let done = false;
  const follow = () => {
    const { district } = places.get();
    if (done || !district) return;
    done = true;
    frameOf(district.features.flatMap(({ geometry }) => positions(geometry)));
  };
  const stop = places.subscribe(follow);
  follow();
  return stop;
}

function frameOf(points: ReturnType<typeof positions>): void {
  if (boundsOf(points)) lookAt(points);
}

/** Hands the pen over when a draft asks for it, and takes drawings back into the draft. */
function followDrafts(map: MapLibre): () => void {
  let ours: unknown = null;
  // What the map was moved to, or drawn on it by hand: closing the zone tool brings it back without a jump.
  let looked: unknown = null;
  let held = "";
  const drawing = startDrawing(map, (geometry, more) => {
    ours = geometry;
    held = more ? held : "";
    if (zoneDraft.get().open) takeZone(geometry as Polygon);
    else {
      looked = geometry;
      takeGeometry(geometry, { more });
    }
  });
  const follow = () => {
    const { pen, ink, geometry, editable } = wanted();
    if (pen) {
      const wish = `${ink}/${pen}`;
      const anew = geometry === null && ours !== null;
      if (held !== wish || anew) {
        drawing.pen(pen, ink);
        ours = null;
      }
      held = wish;
      return;
    }
    const wasHeld = held !== "";
    held = "";
    if (geometry === ours) return wasHeld ? drawing.edit() : undefined;
    const known = ink !== "plan" || geometry === looked;
    ours = geometry;
    if (ink === "plan") looked = geometry;
    drawing.show(geometry, ink, editable);
    if (geometry && !known) lookAt(positions(geometry));
  };
  const stops = [draft.subscribe(follow), zoneDraft.subscribe(follow)];
  const finish = ({ key }: KeyboardEvent) => {
    if (key === "Enter" && held === "plan/points") endDrawing();
  };
  window.addEventListener("keydown", finish);
  follow();
  return () => {
    window.removeEventListener("keydown", finish);
    for (const stop of stops) stop();
    drawing.stop();
  };
}

interface Wanted {
  pen: AnyPen | null;
  ink: Ink;
  geometry: Drawn | null;
  editable: boolean;
}

/** What the pen is for now: a zone goes before the patrol that waits behind it. */
function wanted(): Wanted {
  const zone = zoneDraft.get();
  if (zone.open) {
    const { shape } = zone;
    return { pen: zone.drawing ? zone.pen : null, ink: "exclusion", geometry: outlined(shape), editable: shape?.type !== "circle" };
  }
  const now = draft.get();
  return { pen: penWanted(now), ink: "plan", geometry: now.geometry, editable: true };
}

const outlines = new WeakMap<ZoneShape, Polygon>();

/** The same outline for the same shape: what is drawn is known by identity. */
function outlined(shape: ZoneShape | null): Polygon | null {
  if (!shape) return null;
  const outline = outlines.get(shape) ?? outlineOf(shape);
  outlines.set(shape, outline);
  return outline;
}
