import type { ReactNode } from "react";
import type { VehicleState } from "../api/model";
import { formatNumber, formatTime } from "../geo/format";
import { type Language, type Translate, useT } from "../i18n";
import type { Key } from "../i18n/messages";
import { said } from "../i18n/phrases";
import { modeText } from "../i18n/wording";
import { VehicleAge } from "../ui/Age";
import { Battery } from "../ui/Battery";
import { batteryPct } from "../state/freshness";
import { landedKey } from "./landed";

const unit = (value: number | null, digits: number, of: string) => `${formatNumber(value, digits)} ${of}`;

type Rows = [Key, ReactNode][];

/** How it flies: what is recorded too. */
function flightRows(vehicle: VehicleState, t: Translate, language: Language): Rows {
  return [
    ["vehicle.mode", modeText(vehicle.mode, language)],
    ["vehicle.status", `${t(vehicle.armed ? "vehicle.armed" : "vehicle.disarmed")} · ${t(landedKey(vehicle.landed))}`],
    ["vehicle.height", unit(vehicle.alt_rel_m, 1, "m")],
    ["vehicle.speed", unit(vehicle.ground_speed_mps, 1, "m/s")],
    ["vehicle.climb", unit(vehicle.climb_mps, 1, "m/s")],
    ["vehicle.heading", `${formatNumber(vehicle.heading_deg)}°`],
    ["vehicle.battery", <Battery key="b" pct={batteryPct(vehicle)} label={t("vehicle.battery")} />],
    ["vehicle.voltage", unit(vehicle.battery_v, 1, "V")],
    ["vehicle.satellites", `${vehicle.satellites ?? "–"} · HDOP ${formatNumber(vehicle.hdop, 1)}`],
    ["vehicle.age", <VehicleAge key="a" id={vehicle.vehicle_id} />],
  ];
}

/** How a vehicle flew at the moment of a recording that is shown. */
export function RecordedFacts({ vehicle, language }: { vehicle: VehicleState; language: Language }) {
  return <Facts rows={flightRows(vehicle, useT(), language)} />;
}

/** Everything that a dispatcher asks about a vehicle, as pairs. */
export function VehicleFacts({ vehicle, language }: { vehicle: VehicleState; language: Language }) {
  const t = useT();
  const rows: Rows = [
    ...flightRows(vehicle, t, language),
    ...vehicle.quiet.map(({ what, since }): Rows[number] => ["vehicle.quiet", `${said(what, language).trim()} · ${formatTime(since)}`]),
    ["vehicle.link", t(`link.${vehicle.link}` satisfies Key)],
    ["vehicle.fence", t(vehicle.fence_enabled ? "vehicle.fenceOn" : "vehicle.fenceOff")],
    ["vehicle.firmware", vehicle.firmware ?? "–"],
  ];
  return (
    <>
      <Facts rows={rows} />
      {vehicle.last_texts.length > 0 && (
        <section className="texts">
          <h3>{t("vehicle.texts")}</h3>
          {vehicle.last_texts.map((text, index) => (
            <p key={index}>{text}</p>
          ))}
        </section>
      )}
    </>
  );
}

function Facts({ rows }: { rows: Rows }) {
  const t = useT();
  return (
    <dl className="facts">
      {rows.map(([key, value], at) => (
        <div key={at}>
          <dt>{t(key)}</dt>
          <dd className="num">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
