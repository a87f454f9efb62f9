/** Keeps the map's sources in step with the stores, past React. */

import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import type { Conflict, Plan } from "../api/model";
import { manoeuvre, trial } from "../divert/manoeuvre";
import type { Bounds, LonLat } from "../geo/geo";
import { language, t } from "../i18n";
import { conflictText, ghostText } from "../i18n/wording";
import { draft, preview } from "../plan/draft";
import { showArea } from "../state/connection";
import { hasEnded, type Live } from "../state/live";
import { isReplaying, picture } from "../state/picture";
import { places } from "../state/places";
import { flownPlan, plans, wantFlown } from "../state/plans";
import { focus, selectedVehicle, view } from "../state/view";
import * as features from "./features";
import type { SourceId } from "./style";

/** Tracks grow by a few metres a tick; twice a second is smooth enough and spares the map's worker. */
const TRACKS_MS = 500;
const ZONES_MS = 60_000;

/** Feeds `map`, whose style is loaded, until the returned function is called. */
export function startFeed(map: MapLibre): () => void {
  const fill = (id: SourceId, data: ReturnType<typeof features.path>) => void map.getSource<GeoJSONSource>(id)?.setData(data);

  const ground = () => {
    const { district, airspace, docks } = places.get();
    const spoken = language.get();
    if (district) fill("district", district);
    if (airspace) {
      fill("zones", features.zones(airspace, Date.now()));
      fill("zone-labels", features.zoneLabels(airspace, spoken));
    }
    fill("docks", features.docks(docks, spoken));
  };

  const grid = () => {
    const [west, south, east, north] = map.getBounds().toArray().flat() as Bounds;
    fill("grid", features.grid([west, south, east, north], map.getZoom()));
    showArea([west, south, east, north]);
  };

  let drawn: Plan | null | undefined;
  const plan = () => {
    const wanted = shownPlan();
    if (wanted === drawn) return;
    drawn = wanted;
    fill("path", wanted ? features.path(wanted) : features.NOTHING);
    fill("waypoints", wanted ? features.waypoints(wanted) : features.NOTHING);
    fill("rally", wanted ? features.rally(wanted, t("tip.rally")) : features.NOTHING);
    fill("fence", wanted ? features.fence(wanted) : features.NOTHING);
    fill("conflicts", wanted ? features.conflicts(wanted.conflicts) : features.NOTHING);
    named(wanted);
  };
  const named = (wanted: Plan | null) => {
    const name = (conflict: Conflict) => conflictText(conflict, wanted?.waypoints_total ?? 0, t);
    fill("conflict-labels", wanted ? features.conflictLabels(wanted, name) : features.NOTHING);
  };

  let trackTimer: ReturnType<typeof setTimeout> | undefined;
  let tracksOf: unknown = null;
  const tracks = () => {
    trackTimer = undefined;
    fill("tracks", features.tracks(shownTracks(picture.get())));
  };
  const tracksSoon = () => {
    if (picture.get().tracks === tracksOf) return;
    tracksOf = picture.get().tracks;
    trackTimer ??= setTimeout(tracks, TRACKS_MS);
  };

  let guessed = false;
  const ghosts = () => {
    const unheard = unheardOf(picture.get());
    if (!unheard.length && !guessed) return;
    guessed = unheard.length > 0;
    fill("ghosts", features.ghosts(unheard, (ghost) => ghostText(ghost, t)));
  };
  const aim = () => {
    const now = manoeuvre.get();
    fill("aim", now ? features.aim(now.place, now.look, now.kind === "orbit" ? now.radiusM : null) : features.NOTHING);
  };

  const look = () => {
    plan();
    tracks();
  };
  const pointed = () => fill("focus", features.shapes(focus.get()));
  // Zones come into force and go out of it while nothing else happens.
  const zonesTimer = setInterval(ground, ZONES_MS);
  const stops = [
    () => clearInterval(zonesTimer),
    focus.subscribe(pointed),
    places.subscribe(ground),
    language.subscribe(ground),
    language.subscribe(() => named(shownPlan())),
    ...[preview, draft, trial, manoeuvre, plans, picture].map((store) => store.subscribe(plan)),
    picture.subscribe(tracksSoon),
    picture.subscribe(ghosts),
    manoeuvre.subscribe(aim),
    view.subscribe(look),
  ];
  map.on("moveend", grid);
  ground();
  grid();
  look();
  ghosts();
  aim();
  return () => {
    map.off("moveend", grid);
    clearTimeout(trackTimer);
    for (const stop of stops) stop();
  };
}

/** The plan to draw: the one being made, else what the selected vehicle flies, else the mission that was asked for. */
export function shownPlan(): Plan | null {
  if (draft.get().open) {
    const now = preview.get();
    return "plan" in now ? now.plan : null;
  }
  const { shown, side } = view.get();
  if (side.kind === "vehicle") {
    const tried = trial.get();
    if (manoeuvre.get()?.vehicleId === side.vehicleId && "diversion" in tried && tried.diversion) return tried.diversion.plan;
    const { vehicles, sorties } = picture.get();
    const sortie = sorties.get(vehicles.get(side.vehicleId)?.state.sortie_id ?? "");
    if (!sortie) return null;
    void wantFlown(sortie);
    return flownPlan(plans.get(), sortie);
  }
  return shown && "plan" in shown ? shown.plan : null;
}

function unheardOf({ vehicles }: Live) {
  return [...vehicles.values()].flatMap(({ state: { ghosts, lon_deg: lon, lat_deg: lat } }) =>
    ghosts.length && lon !== null && lat !== null ? [{ last: [lon, lat] as LonLat, ghosts }] : [],
  );
}

/**
 * The lines of sorties that are not over, and of the last one of the selected vehicle: of an earlier one it would look
 * flown already. In a recording the whole line of the sortie lies faintly under what it has flown of it.
 */
export function shownTracks({ tracks, sorties, vehicles }: Live) {
  const { shown } = view.get();
  const selected = selectedVehicle(view.get());
  const last = vehicles.get(selected ?? "")?.state.sortie_id;
  const flying = [...tracks].flatMap(([id, positions]) => {
    const sortie = sorties.get(id);
    return sortie && hasEnded(sortie) && id !== last ? [] : [{ positions, selected: sortie?.vehicle_id === selected }];
  });
  return shown && "track" in shown ? [...flying, { positions: shown.track, selected: !isReplaying() }] : flying;
}
