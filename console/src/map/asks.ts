/** What a click on the map is asked for: a place of a manoeuvre, or, with the other button, what can be done there. */

import type { Map as MapLibre, MapMouseEvent, MapTouchEvent } from "maplibre-gl";
import { zoneDraft } from "../airspace/zoneDraft";
import { manoeuvre, pickPlace } from "../divert/manoeuvre";
import { draft } from "../plan/draft";
import { isReplaying } from "../state/picture";
import { mapMenu } from "../state/view";

/** A finger that rests this long asks as the right button does. */
const PRESS_MS = 550;

/** Listens to `map` until the returned function is called. */
export function startAsking(map: MapLibre): () => void {
  const ask = ({ lngLat, point }: Pick<MapMouseEvent, "lngLat" | "point">) => {
    // While something is drawn the right button is the pen's own; in a recording nothing can be done.
    if (isReplaying() || draft.get().open || zoneDraft.get().open || manoeuvre.get()?.picking) return;
    mapMenu.set({ place: [lngLat.lng, lngLat.lat], x: point.x, y: point.y });
  };
  const hide = () => mapMenu.set(null);
  const click = ({ lngLat }: MapMouseEvent) => {
    hide();
    pickPlace([lngLat.lng, lngLat.lat]);
  };

  let press: ReturnType<typeof setTimeout> | undefined;
  const lift = () => clearTimeout(press);
  const touch = (event: MapTouchEvent) => {
    lift();
    const { lngLat, point } = event;
    if (event.points.length === 1) press = setTimeout(() => ask({ lngLat, point }), PRESS_MS);
  };

  map.on("contextmenu", ask);
  map.on("click", click);
  map.on("movestart", hide);
  map.on("touchstart", touch);
  for (const end of ["touchend", "touchmove", "touchcancel"] as const) map.on(end, lift);
  return () => {
    lift();
    map.off("contextmenu", ask);
    map.off("click", click);
    map.off("movestart", hide);
    map.off("touchstart", touch);
    for (const end of ["touchend", "touchmove", "touchcancel"] as const) map.off(end, lift);
  };
}
