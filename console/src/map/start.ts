/** Makes the map and everything that lives on it. Loaded on its own: the engine is most of the console's weight. */

import "maplibre-gl/dist/maplibre-gl.css";
import { Map as MapLibre, ScaleControl, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { draft, takeGeometry } from "../plan/draft";
import { boundsOf, positions } from "../geo/geo";
import { places } from "../state/places";
import { setCamera, lookAt } from "./camera";
import { startDrawing } from "./draw";
import { startFeed } from "./feed";
import { addImages } from "./images";
import { startOverlay } from "./overlay";
import { mapStyle } from "./style";

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
    stops.push(startFeed(map), followDraft(map));
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

/** Hands the pen over when the draft asks for it, and takes drawings back into the draft. */
function followDraft(map: MapLibre): () => void {
  let ours: unknown = null;
  let penFor: string | null = null;
  const drawing = startDrawing(map, (geometry) => {
    ours = geometry;
    penFor = null;
    takeGeometry(geometry);
  });
  const follow = () => {
    const now = draft.get();
    if (now.drawing) {
      if (penFor !== now.pattern) drawing.pen(now.pattern);
      penFor = now.pattern;
      ours = null;
      return;
    }
    penFor = null;
    if (now.geometry === ours) return;
    ours = now.geometry;
    drawing.show(now.geometry);
    if (now.geometry) lookAt(positions(now.geometry));
  };
  const stop = draft.subscribe(follow);
  follow();
  return () => {
    stop();
    drawing.stop();
  };
}
