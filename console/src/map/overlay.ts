/**
 * The vehicles over the map, as HTML: text needs no glyphs, they can be tabbed to, and a moving vehicle
 * moves one element instead of making WebGL paint the whole map again.
 */

import type { Map as MapLibre } from "maplibre-gl";
import { type Worst, worstByVehicle } from "../state/alarms";
import type { Seen } from "../state/live";
import { picture, pictureMs } from "../state/picture";
import { everyTick } from "../state/ticker";
import { selectedVehicle, selectVehicle, view } from "../state/view";
import { type Glide, glideTo, isMoving, type Pose, poseAt, rest } from "./glide";
import { Marker } from "./marker";

/** From here on the places of one dock can be told apart. */
const NEAR_ZOOM = 13.5;
/** With more vehicles than this in view of a whole district their names would hide them. */
const CROWD = 20;

interface Shown {
  marker: Marker;
  glide: Glide;
}

function poseOf({ state }: Seen): Pose | null {
  const { lon_deg: lon, lat_deg: lat } = state;
  return lon === null || lat === null ? null : { lon, lat, heading: state.heading_deg ?? 0 };
}

/** Draws the fleet into `container`, which lies over the map; returns how to stop. */
export function startOverlay(map: MapLibre, container: HTMLElement): () => void {
  const shown = new Map<string, Shown>();
  let frame = 0;

  const paint = () => {
    frame = 0;
    const far = map.getZoom() < NEAR_ZOOM;
    container.dataset.far = String(far);
    container.dataset.crowded = String(far && shown.size > CROWD);
    const now = performance.now();
    let moving = false;
    for (const { marker, glide } of shown.values()) {
      const pose = poseAt(glide, now);
      const { x, y } = map.project([pose.lon, pose.lat]);
      marker.place(x, y, pose.heading - map.getBearing());
      moving ||= isMoving(glide, now);
    }
    if (moving) schedule();
  };
  const schedule = () => {
    frame ||= requestAnimationFrame(paint);
  };

  const follow = () => {
    const now = performance.now();
    const { vehicles } = picture.get();
    for (const [id, seen] of vehicles) {
      const to = poseOf(seen);
      if (!to) continue;
      const known = shown.get(id);
      if (known) known.glide = glideTo(known.glide, to, now);
      else shown.set(id, appear(id, to, seen));
    }
    for (const [id, { marker }] of shown) {
      if (vehicles.has(id)) continue;
      marker.element.remove();
      shown.delete(id);
    }
    schedule();
  };

  let worstOf: unknown = null;
  let worstNow = new Map<string, Worst>();
  const worst = () => {
    const { alarms } = picture.get();
    if (alarms !== worstOf) worstNow = worstByVehicle(alarms.values());
    worstOf = alarms;
    return worstNow;
  };

  const appear = (id: string, at: Pose, seen: Seen): Shown => {
    const marker = new Marker(id, selectVehicle);
    marker.describe(seen, selectedVehicle(view.get()) === id, pictureMs(Date.now()), worst().get(id));
    container.append(marker.element);
    return { marker, glide: rest(at) };
  };

  const describe = (pageMs: number) => {
    const selected = selectedVehicle(view.get());
    const { vehicles } = picture.get();
    const nowMs = pictureMs(pageMs);
    for (const [id, { marker }] of shown) {
      const seen = vehicles.get(id);
      if (seen) marker.describe(seen, id === selected, nowMs, worst().get(id));
    }
  };

  const stops = [picture.subscribe(follow), view.subscribe(() => describe(Date.now())), everyTick(describe)];
  map.on("move", paint);
  follow();
  return () => {
    cancelAnimationFrame(frame);
    map.off("move", paint);
    for (const stop of stops) stop();
    container.replaceChildren();
  };
}
