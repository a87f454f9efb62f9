import { App } from "antd";
import { api } from "../api/client";
import type { Sortie } from "../api/model";
import { canContinue, startContinuing } from "../divert/continuing";
import { formatDateTime, formatLength } from "../geo/format";
import { useT } from "../i18n";
import type { Key } from "../i18n/messages";
import { lookAt } from "../map/camera";
import { launchMission } from "../plan/launch";
import { playSortie } from "../replay/replaying";
import { live } from "../state/connection";
import { hasEnded, type Live } from "../state/live";
import { shallow, useStore } from "../state/store";
import { showOnMap, view } from "../state/view";
import { useProblems } from "../ui/useProblems";
import { SortieProof } from "./SortieProof";
import type { Position } from "../api/stream";

function newestFirst({ sorties }: Live): Sortie[] {
  return [...sorties.values()].sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
}

/** What was flown: outcome, length, track on the map, the proof that it flew under, the same again. */
export function SortieList() {
  const t = useT();
  const sorties = useStore(live, newestFirst, shallow);
  if (!sorties.length) return <p className="hint">{t("sorties.empty")}</p>;
  return (
    <ul className="rows">
      {sorties.map((sortie) => (
        <Row key={sortie.sortie_id} sortie={sortie} />
      ))}
    </ul>
  );
}

const TONES = { completed: "good", aborted: "warn", refused: "bad", lost: "bad" } as const;

function Row({ sortie }: { sortie: Sortie }) {
  const t = useT();
  const run = useProblems();
  const { message } = App.useApp();
  const { sortie_id: sortieId, outcome, state } = sortie;
  const shown = useStore(view, (now) => now.shown !== null && "sortieId" in now.shown && now.shown.sortieId === sortieId);
  const name = useStore(live, (now) => now.vehicles.get(sortie.vehicle_id)?.state.name ?? sortie.vehicle_id);
  const says: Key = outcome ? `outcome.${outcome}` : `state.${state}`;

  const show = async () => {
    if (shown) return showOnMap(null);
    const { geometry } = await api.track(sortieId);
    if (geometry.coordinates.length < 2) return void message.info(t("sorties.noTrack"));
    showOnMap({ sortieId, track: geometry.coordinates as Position[] });
    lookAt(geometry.coordinates);
  };

  return (
    <li data-testid={`sortie-${sortieId}`} data-shown={shown}>
      <button type="button" className="row-main" aria-pressed={shown} title={t("sorties.track")} onClick={() => run(show)}>
        <strong>
          {sortie.mission_name}
          <span className="state" data-tone={outcome ? TONES[outcome] : "active"}>
            {t(says)}
          </span>
        </strong>
        <small className="num">
          {formatDateTime(sortie.created_at)} · {name} · {formatLength(sortie.distance_m)}
        </small>
      </button>
      <span className="row-acts">
        {hasEnded(sortie) && sortie.armed_at && (
          <button type="button" data-testid={`replay-${sortieId}`} onClick={() => run(() => playSortie(sortie))}>
            {t("replay.action")}
          </button>
        )}
        {canContinue(sortie) && (
          <button type="button" onClick={() => startContinuing(sortie)}>
            {t("continue.action")}
          </button>
        )}
        <button type="button" onClick={() => run(() => launchMission(sortie))}>
          {t("sorties.again")}
        </button>
      </span>
      {shown && (
        <div className="row-more">
          <SortieProof sortie={sortie} />
        </div>
      )}
    </li>
  );
}
