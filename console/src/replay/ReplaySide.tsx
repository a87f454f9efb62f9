import { AimOutlined, CloseOutlined } from "@ant-design/icons";
import { Button } from "antd";
import type { ReactNode } from "react";
import type { Sortie, VehicleState } from "../api/model";
import { formatDuration, formatLength, formatStamp } from "../geo/format";
import { useLanguage, useT } from "../i18n";
import type { Key } from "../i18n/messages";
import { lookAt } from "../map/camera";
import { RecordedFacts } from "../panels/VehicleFacts";
import { picture } from "../state/picture";
import { places } from "../state/places";
import { useStore } from "../state/store";
import { selectedVehicle, view } from "../state/view";
import type { Reel } from "./reel";
import { backToLive, replaying } from "./replaying";

/** What is played, and how the selected vehicle flew at the moment that is shown. There is nothing to command. */
export function ReplaySide() {
  const t = useT();
  const reel = useStore(replaying, (now) => now?.reel ?? null);
  const id = useStore(view, selectedVehicle);
  const vehicle = useStore(picture, ({ vehicles }) => vehicles.get(id ?? "")?.state ?? null);
  const sortie = useStore(picture, ({ sorties }) => sorties.get(vehicle?.sortie_id ?? "") ?? null);
  if (!reel) return null;
  return (
    <>
      <header className="side-head">
        <h2>{reel.sortie?.mission_name ?? t("replay.fleet")}</h2>
        <Button type="text" icon={<CloseOutlined />} aria-label={t("replay.back")} title={t("replay.back")} onClick={backToLive} />
      </header>
      <div className="side-body">
        <About reel={reel} sortie={sortie} />
        {vehicle ? <Vehicle vehicle={vehicle} sortie={sortie} /> : <p className="hint">{t(id ? "replay.none" : "replay.pick")}</p>}
      </div>
      <footer className="side-foot">
        <p className="hint">{t("replay.noCommands")}</p>
        <Button block onClick={backToLive}>
          {t("replay.back")}
        </Button>
      </footer>
    </>
  );
}

function About({ reel: { fromMs, toMs, sortie: own }, sortie }: { reel: Reel; sortie: Sortie | null }) {
  const t = useT();
  const inForce = useStore(places, ({ airspace }) => airspace?.version ?? null);
  const then = (own ?? sortie)?.proof?.airspace_version ?? null;
  const rows: [Key, ReactNode][] = [
    ["replay.from", formatStamp(fromMs)],
    ["replay.to", formatStamp(toMs)],
    ["replay.lasts", formatDuration((toMs - fromMs) / 1000)],
    ...(own?.outcome ? ([["replay.outcome", t(`outcome.${own.outcome}` satisfies Key)]] satisfies [Key, ReactNode][]) : []),
    ...(own ? ([["sortie.distance", formatLength(own.distance_m)]] satisfies [Key, ReactNode][]) : []),
  ];
  return (
    <section className="section">
      <dl className="facts">
        {rows.map(([key, value]) => (
          <div key={key}>
            <dt>{t(key)}</dt>
            <dd className="num">{value}</dd>
          </div>
        ))}
      </dl>
      {inForce !== null && then === null && <p className="hint">{t("replay.airspaceNow", { now: inForce })}</p>}
      {inForce !== null && then !== null && then !== inForce && (
        <p className="note" data-tone="warn">
          {t("replay.airspace", { now: inForce, then })}
        </p>
      )}
    </section>
  );
}

function Vehicle({ vehicle, sortie }: { vehicle: VehicleState; sortie: Sortie | null }) {
  const t = useT();
  const language = useLanguage();
  const { lon_deg: lon, lat_deg: lat } = vehicle;
  return (
    <section className="section" aria-label={vehicle.name} data-testid="replay-vehicle">
      <header>
        <h3 className="replay-who">
          {vehicle.name}
          {sortie && (
            <span className="state" data-tone="active" data-testid="replay-state" data-state={sortie.state}>
              {t(`state.${sortie.state}` satisfies Key)}
            </span>
          )}
        </h3>
        <Button
          type="text"
          size="small"
          icon={<AimOutlined />}
          aria-label={t("vehicle.locate")}
          title={t("vehicle.locate")}
          onClick={() => lon !== null && lat !== null && lookAt([[lon, lat]])}
        />
      </header>
      <RecordedFacts vehicle={vehicle} language={language} />
    </section>
  );
}
