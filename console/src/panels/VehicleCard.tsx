import { useLanguage, useT } from "../i18n";
import type { Key } from "../i18n/messages";
import { isAirborne, modeText, standing } from "../i18n/wording";
import { formatNumber } from "../geo/format";
import { outdated } from "../state/connection";
import { batteryPct } from "../state/freshness";
import type { Live } from "../state/live";
import { picture, useReplaying } from "../state/picture";
import { shallow, useStore } from "../state/store";
import { selectedVehicle, selectVehicle, view } from "../state/view";
import { VehicleAge } from "../ui/Age";
import { Battery } from "../ui/Battery";
import { landedKey } from "./landed";

/** What a card reads, rounded to what it shows: equal members mean nothing to render. */
function cardOf({ vehicles, sorties }: Live, id: string) {
  const state = vehicles.get(id)?.state;
  if (!state) return null;
  const sortie = state.sortie_id ? sorties.get(state.sortie_id) : undefined;
  const { key, tone } = standing(state, sortie ? (`state.${sortie.state}` satisfies Key) : null);
  return {
    name: state.name,
    standing: key,
    tone,
    mode: state.mode,
    armed: state.armed,
    landed: landedKey(state.landed),
    air: isAirborne(state),
    height: formatNumber(state.alt_rel_m),
    speed: formatNumber(state.ground_speed_mps, 1),
    battery: batteryPct(state),
    link: state.link,
    // How many it had reached is not recorded.
    progress: sortie?.waypoints_total && state.link !== "replayed" ? `${sortie.waypoints_reached}/${sortie.waypoints_total}` : null,
  };
}

const same = (a: ReturnType<typeof cardOf>, b: ReturnType<typeof cardOf>) =>
  a === b || (a !== null && b !== null && shallow(a, b));

/** A vehicle in three lines: who and what, in figures, how well we hear it. */
export function VehicleCard({ id }: { id: string }) {
  const t = useT();
  const language = useLanguage();
  const card = useStore(picture, (now) => cardOf(now, id), same);
  const isReplay = useReplaying();
  const old = useStore(outdated, (now) => now) && !isReplay;
  const selected = useStore(view, (now) => selectedVehicle(now) === id);
  if (!card) return null;
  return (
    <li>
      <button
        type="button"
        className="card"
        data-testid={`vehicle-card-${id}`}
        data-link={card.link}
        aria-pressed={selected}
        onClick={() => selectVehicle(id)}
      >
        <span className="card-head">
          <strong>{card.name}</strong>
          <span className="state" data-tone={old ? "idle" : card.tone} data-testid={`vehicle-state-${id}`}>
            {t(old ? "vehicle.outdated" : card.standing)}
            {card.progress && <b className="num">{card.progress}</b>}
          </span>
        </span>
        <span className="card-facts">
          <span>{modeText(card.mode, language)}</span>
          <span>{t(card.armed ? "vehicle.armed" : "vehicle.disarmed")}</span>
          <span>{t(card.landed)}</span>
          {card.air && (
            <span className="num card-air">
              {card.height} m<i />
              {card.speed} m/s
            </span>
          )}
        </span>
        <span className="card-foot">
          <Battery pct={card.battery} label={t("vehicle.battery")} />
          <span className="link" data-link={card.link} title={t("vehicle.age")}>
            {!old && t(`link.${card.link}` satisfies Key)}
            <VehicleAge id={id} />
          </span>
        </span>
      </button>
    </li>
  );
}
