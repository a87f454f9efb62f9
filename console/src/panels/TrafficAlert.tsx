import { Button } from "antd";
import { api } from "../api/client";
import type { CommandKind, TrafficConflict } from "../api/model";
import { formatTime } from "../geo/format";
import { positions } from "../geo/geo";
import { isKey, useLanguage, useT } from "../i18n";
import { said } from "../i18n/phrases";
import { lookAt } from "../map/camera";
import { live } from "../state/connection";
import { shallow, useStore } from "../state/store";
import { focus, selectVehicle } from "../state/view";
import { useProblems } from "../ui/useProblems";

const SHOWN = 5;
/** How a remedy in the air is commanded; a delay before take-off is the dispatcher's own to keep. */
const COMMANDS: Readonly<Record<string, CommandKind>> = { hold: "hold", return: "return" };

/** Flights of ours that may come too near to each other, and what the one that gives way can do. */
export function TrafficAlert() {
  const t = useT();
  const all = useStore(live, ({ traffic }) => [...traffic.values()], shallow);
  if (!all.length) return null;
  const critical = all.some(({ severity }) => severity === "critical");
  return (
    <section className="alert" role="alert" data-testid="traffic-alert" data-severity={critical ? "critical" : "warning"}>
      <header>
        <strong>{t("traffic.title", { n: all.length })}</strong>
      </header>
      <ul>
        {all.slice(0, SHOWN).map((each) => (
          <Pair key={each.id} conflict={each} />
        ))}
      </ul>
      {all.length > SHOWN && <p className="hint">{t("alert.more", { n: all.length - SHOWN })}</p>}
    </section>
  );
}

function Pair({ conflict }: { conflict: TrafficConflict }) {
  const t = useT();
  const language = useLanguage();
  const run = useProblems();
  const { first, yields, encounter, geometry, remedies } = conflict;
  const vehicle = yields.vehicle_id;
  const [remedy] = remedies;
  const key = `traffic.${remedy?.kind}`;
  const command = remedy && yields.airborne ? COMMANDS[remedy.kind] : undefined;
  const order = async () => {
    if (command && vehicle) await api.command(vehicle, command);
  };
  return (
    <li data-testid="traffic-pair" data-airborne={first.airborne && yields.airborne}>
      <div className="failing-head">
        <b>{t(yields.airborne ? "alert.airborne" : "alert.planned")}</b>
        <span>{t("traffic.pair", { yields: yields.name, first: first.name })}</span>
        {vehicle && (
          <Button size="small" onClick={() => selectVehicle(vehicle)}>
            {t("alert.command")}
          </Button>
        )}
      </div>
      <div className="failing-why">
        <button
          type="button"
          title={conflict.text}
          disabled={!geometry}
          onMouseEnter={() => geometry && focus.set([geometry])}
          onMouseLeave={() => focus.set([])}
          onClick={() => geometry && lookAt(positions(geometry), 16)}
        >
          {t("traffic.meets", {
            from: formatTime(encounter.from_at),
            until: formatTime(encounter.until_at),
            horizontal: Math.round(encounter.horizontal_m),
            vertical: Math.round(encounter.vertical_m),
          })}
        </button>
      </div>
      <div className="failing-way">
        <span>
          {remedy ? <strong>{t("alert.proposed", { what: isKey(key) ? t(key) : remedy.kind })}</strong> : t("traffic.none")}
          {remedy && <small>{said(remedy.detail, language)}</small>}
        </span>
        {command && vehicle && (
          <Button size="small" type="primary" onClick={() => run(order)}>
            {t("proposal.adopt")}
          </Button>
        )}
      </div>
    </li>
  );
}
