import { useEffect, useRef } from "react";
import type { Sortie } from "../api/model";
import { distanceM, type LonLat } from "../geo/geo";
import { useT } from "../i18n";
import { live } from "../state/connection";
import type { Live } from "../state/live";
import { shallow, useStore } from "../state/store";
import { mapMenu, selectedVehicle, view } from "../state/view";
import { canDivert, startManoeuvre } from "./manoeuvre";

const SHOWN = 4;
const WIDTH_PX = 300;
const ROW_PX = 38;

/** What flying vehicles can do at a place of the map: the selected one first, then the nearest. */
export function MapMenu() {
  const t = useT();
  const menu = useStore(mapMenu, (now) => now);
  const selected = useStore(view, selectedVehicle);
  const sorties = useStore(live, (now) => (menu ? nearest(now, menu.place, selected) : []), shallow);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!menu) return;
    box.current?.querySelector("button")?.focus();
    const key = ({ key: pressed }: KeyboardEvent) => pressed === "Escape" && mapMenu.set(null);
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, [menu]);
  if (!menu) return null;
  const take = (sortie: Sortie, kind: "goto" | "orbit") => {
    mapMenu.set(null);
    startManoeuvre(sortie, kind, menu.place);
  };
  const room = box.current?.parentElement ?? document.body;
  const left = Math.min(menu.x, room.clientWidth - WIDTH_PX);
  const top = Math.min(menu.y, room.clientHeight - ROW_PX * (sorties.length + 1));
  return (
    <div className="map-menu" role="menu" ref={box} style={{ left, top, width: WIDTH_PX }} data-testid="map-menu">
      <p className="num">
        {menu.place[1].toFixed(5)}, {menu.place[0].toFixed(5)}
      </p>
      {sorties.map((sortie) => (
        <div key={sortie.sortie_id}>
          <b>{live.get().vehicles.get(sortie.vehicle_id)?.state.name ?? sortie.vehicle_id}</b>
          <button type="button" role="menuitem" data-testid={`menu-goto-${sortie.vehicle_id}`} onClick={() => take(sortie, "goto")}>
            {t("menu.goto")}
          </button>
          <button type="button" role="menuitem" data-testid={`menu-orbit-${sortie.vehicle_id}`} onClick={() => take(sortie, "orbit")}>
            {t("menu.orbit")}
          </button>
        </div>
      ))}
      {!sorties.length && <p>{t("menu.none")}</p>}
    </div>
  );
}

/** The flights that can be sent to `place`. */
export function nearest({ vehicles, sorties }: Live, place: LonLat, selected: string | null): Sortie[] {
  const flying = [...vehicles.values()].flatMap(({ state }) => {
    const sortie = sorties.get(state.sortie_id ?? "");
    const { lon_deg: lon, lat_deg: lat } = state;
    if (!canDivert(sortie) || lon === null || lat === null) return [];
    return [{ sortie, awayM: state.vehicle_id === selected ? -1 : distanceM(place, [lon, lat]) }];
  });
  return flying
    .sort((a, b) => a.awayM - b.awayM)
    .slice(0, SHOWN)
    .map(({ sortie }) => sortie);
}
