import { AimOutlined, CloseOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { canContinue, startContinuing } from "../divert/continuing";
import { Manoeuvres } from "../divert/Manoeuvres";
import { useLanguage, useT } from "../i18n";
import { lookAt } from "../map/camera";
import { playSortie } from "../replay/replaying";
import { live } from "../state/connection";
import { hasEnded, type Live } from "../state/live";
import { useStore } from "../state/store";
import { openSide } from "../state/view";
import { useProblems } from "../ui/useProblems";
import { Commands } from "./Commands";
import { Enrolled } from "./Enrolled";
import { Ghosts } from "./Ghosts";
import { SafetyProfile } from "./SafetyProfile";
import { SortieNow } from "./SortieNow";
import { SortieProgress } from "./SortieProgress";
import { VehicleFacts } from "./VehicleFacts";

/** The vehicle's sortie: the one it flies, else its newest. */
function sortieOf({ vehicles, sorties }: Live, id: string) {
  const flying = sorties.get(vehicles.get(id)?.state.sortie_id ?? "");
  if (flying) return flying;
  const own = [...sorties.values()].filter((sortie) => sortie.vehicle_id === id);
  return own.sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at))[0] ?? null;
}

/** One vehicle: its sortie, what can be commanded, its figures. */
export function VehiclePanel({ id }: { id: string }) {
  const t = useT();
  const language = useLanguage();
  const run = useProblems();
  const vehicle = useStore(live, (now) => now.vehicles.get(id)?.state ?? null);
  const sortie = useStore(live, (now) => sortieOf(now, id));
  if (!vehicle) return null;
  const { lon_deg: lon, lat_deg: lat } = vehicle;
  return (
    <>
      <header className="side-head">
        <h2>{vehicle.name}</h2>
        <Button
          type="text"
          icon={<AimOutlined />}
          aria-label={t("vehicle.locate")}
          title={t("vehicle.locate")}
          onClick={() => lon !== null && lat !== null && lookAt([[lon, lat]])}
        />
        <Button type="text" icon={<CloseOutlined />} aria-label={t("app.close")} onClick={() => openSide({ kind: "lists" })} />
      </header>
      <div className="side-body">
        <Ghosts vehicle={vehicle} />
        {sortie ? <SortieNow sortie={sortie} vehicle={vehicle} /> : <p className="hint">{t("sortie.none")}</p>}
        {sortie && canContinue(sortie) && (
          <Button block data-testid="continue" onClick={() => startContinuing(sortie)}>
            {t("continue.title")}
          </Button>
        )}
        {sortie?.armed_at && hasEnded(sortie) && (
          <Button block data-testid="replay" onClick={() => run(() => playSortie(sortie))}>
            {t("replay.action")}
          </Button>
        )}
        {sortie && <Manoeuvres sortie={sortie} />}
        {sortie && <SortieProgress sortie={sortie} />}
        <VehicleFacts vehicle={vehicle} language={language} />
        <Enrolled vehicle={vehicle} />
        <SafetyProfile vehicle={vehicle} />
      </div>
      <footer className="side-foot">
        <Commands vehicle={vehicle} sortie={vehicle.sortie_id ? sortie : null} />
      </footer>
    </>
  );
}
