import { useState } from "react";
import { useT } from "../i18n";
import { isAirborne } from "../i18n/wording";
import type { Key } from "../i18n/messages";
import type { Live, Seen } from "../state/live";
import { picture, useReplaying } from "../state/picture";
import { shallow, useStore } from "../state/store";
import { VehicleCard } from "./VehicleCard";

const FILTERS = ["all", "flying", "ready", "attention"] as const;
type Filter = (typeof FILTERS)[number];
const RECORDED: readonly Filter[] = ["all", "flying"];

function matches(filter: Filter, { state }: Seen): boolean {
  switch (filter) {
    case "all":
      return true;
    case "flying":
      return isAirborne(state);
    case "ready":
      return state.ready;
    case "attention":
      return state.link !== "live" || state.fence_breached === true || (!state.ready && !state.armed && !state.sortie_id);
  }
}

function idsOf({ vehicles }: Live, filter: Filter): string[] {
  return [...vehicles].flatMap(([id, seen]) => (matches(filter, seen) ? [id] : [])).sort();
}

/** Every vehicle, one card each; a card renders by itself when what it reads changes. */
export function FleetPanel() {
  const t = useT();
  const [chosen, setFilter] = useState<Filter>("all");
  const isReplay = useReplaying();
  // A recording knows neither who was ready nor who needed attention.
  const filters = isReplay ? RECORDED : FILTERS;
  const filter = filters.includes(chosen) ? chosen : "all";
  const ids = useStore(picture, (now) => idsOf(now, filter), shallow);
  const counts = useStore(picture, (now) => FILTERS.map((each) => idsOf(now, each).length), shallow);
  return (
    <aside className="panel fleet" aria-label={t("fleet.title")}>
      <div className="filters" role="group" aria-label={t("fleet.title")}>
        {filters.map((each, index) => (
          <button key={each} type="button" aria-pressed={each === filter} onClick={() => setFilter(each)}>
            {t(`fleet.${each}` satisfies Key)}
            <b className="num">{counts[index]}</b>
          </button>
        ))}
      </div>
      <ul className="cards">
        {ids.map((id) => (
          <VehicleCard key={id} id={id} />
        ))}
      </ul>
      {!ids.length && <p className="hint">{t(counts[0] ? "fleet.empty" : isReplay ? "replay.nobody" : "fleet.none")}</p>}
    </aside>
  );
}
