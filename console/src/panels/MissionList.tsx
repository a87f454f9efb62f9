import { api } from "../api/client";
import type { MissionSummary } from "../api/model";
import { formatDateTime } from "../geo/format";
import { useT } from "../i18n";
import { lookAt } from "../map/camera";
import { editMission } from "../plan/draft";
import { launchMission } from "../plan/launch";
import { places } from "../state/places";
import { useStore } from "../state/store";
import { showOnMap, view } from "../state/view";
import { useProblems } from "../ui/useProblems";

/** Stored missions, newest first: look, change, fly again. */
export function MissionList() {
  const t = useT();
  const missions = useStore(places, (now) => now.missions);
  if (!missions.length) return <p className="hint">{t("missions.empty")}</p>;
  return (
    <ul className="rows">
      {missions.map((mission) => (
        <Row key={mission.mission_id} mission={mission} />
      ))}
    </ul>
  );
}

function Row({ mission }: { mission: MissionSummary }) {
  const t = useT();
  const run = useProblems();
  const { mission_id: missionId, name, revision, created_at } = mission;
  const shown = useStore(view, (now) => now.shown !== null && "missionId" in now.shown && now.shown.missionId === missionId);

  const show = async () => {
    if (shown) return showOnMap(null);
    const { latest } = await api.mission(missionId);
    showOnMap({ missionId, plan: latest.plan });
    lookAt(latest.plan.path.coordinates);
  };
  const edit = async () => {
    const { latest } = await api.mission(missionId);
    editMission(missionId, latest.revision, latest.feature);
  };

  return (
    <li data-testid={`mission-${missionId}`} data-shown={shown}>
      <button type="button" className="row-main" aria-pressed={shown} title={t("missions.show")} onClick={() => run(show)}>
        <strong>{name}</strong>
        <small className="num">
          {formatDateTime(created_at)} · {t("missions.revision", { n: revision })}
        </small>
      </button>
      <span className="row-acts">
        <button type="button" onClick={() => run(edit)}>
          {t("missions.edit")}
        </button>
        <button type="button" className="act-main" onClick={() => run(() => launchMission(mission))}>
          {t("missions.fly")}
        </button>
      </span>
    </li>
  );
}
