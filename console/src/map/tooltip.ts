/** What lies under the pointer, in words: a waypoint with what is done there, else a zone. */

import type { Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import { language, t } from "../i18n";
import { waypointFacts } from "../i18n/actions";
import { zoneFacts } from "../i18n/zones";
import { nameIn } from "../plan/patterns";
import { places } from "../state/places";
import { shownPlan } from "./feed";

const ZONES = ["exclusion-fill", "no-film-fill", "advisory-fill"];
/** The pointer rests this long before a zone speaks up; waypoints do at once. */
const REST_MS = 350;

interface Said {
  title: string;
  lines: string[];
}

/** Follows the pointer over `map` with a note in `container`; returns how to stop. */
export function startTooltip(map: MapLibre, container: HTMLElement): () => void {
  const note = document.createElement("div");
  note.className = "map-note";
  note.dataset.testid = "map-note";
  note.hidden = true;
  container.append(note);
  let timer: ReturnType<typeof setTimeout> | undefined;

  const show = ({ title, lines }: Said, { x, y }: MapMouseEvent["point"]) => {
    const head = document.createElement("strong");
    head.textContent = title;
    const rest = lines.map((line) => Object.assign(document.createElement("span"), { textContent: line }));
    note.replaceChildren(head, ...rest);
    note.style.transform = `translate3d(${Math.round(x) + 14}px, ${Math.round(y) + 14}px, 0)`;
    note.hidden = false;
  };
  const move = ({ point }: MapMouseEvent) => {
    clearTimeout(timer);
    const waypoint = waypointAt(map, point);
    if (waypoint) return show(waypoint, point);
    note.hidden = true;
    timer = setTimeout(() => {
      const zone = zoneAt(map, point);
      if (zone) show(zone, point);
    }, REST_MS);
  };
  const hide = () => {
    clearTimeout(timer);
    note.hidden = true;
  };
  map.on("mousemove", move);
  map.on("mouseout", hide);
  map.on("movestart", hide);
  return () => {
    map.off("mousemove", move);
    map.off("mouseout", hide);
    map.off("movestart", hide);
    hide();
    note.remove();
  };
}

function waypointAt(map: MapLibre, point: MapMouseEvent["point"]): Said | null {
  const [hit] = map.queryRenderedFeatures(point, { layers: ["waypoint-numbers", "waypoint-dots"] });
  const plan = hit && shownPlan();
  const index = Number(hit?.properties.index);
  const step = plan?.waypoints[index];
  return step ? { title: t("tip.waypoint", { n: index + 1 }), lines: waypointFacts(step, plan?.offsets_s[index], t) } : null;
}

function zoneAt(map: MapLibre, point: MapMouseEvent["point"]): Said | null {
  const [hit] = map.queryRenderedFeatures(point, { layers: ZONES });
  const zone = hit && places.get().airspace?.zones.features.find(({ id }) => id === hit.properties.id);
  return zone ? { title: nameIn(language.get(), zone.properties), lines: zoneFacts(zone, t, Date.now()) } : null;
}
