import { App, Button, Popconfirm } from "antd";
import { dismiss, reviews, stillFailing } from "../airspace/reviews";
import { api } from "../api/client";
import type { CommandKind, FailingMission, WayOut } from "../api/model";
import { positions } from "../geo/geo";
import { useLanguage, useT } from "../i18n";
import { said } from "../i18n/phrases";
import { airborneText, conflictText } from "../i18n/wording";
import { lookAt } from "../map/camera";
import { editMission } from "../plan/draft";
import { ConflictRow } from "../plan/Conflicts";
import { live } from "../state/connection";
import { loadMissions, places } from "../state/places";
import { shallow, useStore } from "../state/store";
import { selectVehicle, showOnMap } from "../state/view";
import { useProblems } from "../ui/useProblems";

const SHOWN = 8;
/** How a way out is commanded; a replan is a new revision instead. */
const COMMANDS: Readonly<Partial<Record<WayOut["kind"], CommandKind>>> = { return: "return", hold: "hold", land: "land" };

/** What a new airspace version makes unflyable: those in the air first, each with where, why and a way out. */
export function AirspaceAlert() {
  const t = useT();
  const { full, dismissed } = useStore(reviews, (now) => now);
  const missions = useStore(places, (now) => now.missions);
  const failing = useStore(live, (now) => (full ? stillFailing(full, now, missions) : []), shallow);
  if (!full || !failing.length || dismissed === full.version) return null;
  const flights = failing.filter(({ sortie_id }) => sortie_id !== null).length;
  const planned = failing.length - flights;
  const what = [flights && t("alert.flights", { n: flights }), planned && t("alert.missions", { n: planned })].filter(Boolean);
  return (
    <section className="alert" role="alert" data-testid="airspace-alert" data-severity={flights ? "critical" : "warning"}>
      <header>
        <strong>{t("alert.title", { version: full.version, what: what.join(" · ") })}</strong>
        {!full.complete && <small>{t("alert.checking")}</small>}
        <Button size="small" type="text" data-testid="alert-close" onClick={() => dismiss(full.version)}>
          {t("alert.close")}
        </Button>
      </header>
      <ul>
        {failing.slice(0, SHOWN).map((each) => (
          <Failing key={each.sortie_id ?? `${each.mission_id}@${each.revision}`} failing={each} />
        ))}
      </ul>
      {failing.length > SHOWN && <p className="hint">{t("alert.more", { n: failing.length - SHOWN })}</p>}
    </section>
  );
}

function Failing({ failing }: { failing: FailingMission }) {
  const t = useT();
  const run = useProblems();
  const { mission_id, mission_name, revision, vehicle_id, conflicts, proposal } = failing;
  const vehicle = useStore(live, (now) => (vehicle_id ? (now.vehicles.get(vehicle_id)?.state.name ?? vehicle_id) : null));
  const [first] = conflicts;
  const edit = async () => {
    const { latest } = await api.mission(mission_id);
    editMission(mission_id, latest.revision, latest.feature);
  };
  return (
    <li data-testid="failing" data-airborne={vehicle_id !== null}>
      <div className="failing-head">
        <b>{t(vehicle_id ? "alert.airborne" : "alert.planned")}</b>
        {vehicle_id && (
          <button type="button" className="log-who" onClick={() => selectVehicle(vehicle_id)}>
            {vehicle}
          </button>
        )}
        <span>
          {mission_name} · {t("missions.revision", { n: revision })}
        </span>
        {vehicle_id ? (
          <Button size="small" onClick={() => selectVehicle(vehicle_id)}>
            {t("alert.command")}
          </Button>
        ) : (
          <Button size="small" data-testid="failing-edit" onClick={() => run(edit)}>
            {t("alert.edit")}
          </Button>
        )}
      </div>
      {first && (
        <ul className="failing-why">
          <ConflictRow conflict={first} text={vehicle_id ? airborneText(first, t) : conflictText(first, Infinity, t)} testid="failing-why" />
        </ul>
      )}
      {proposal && <Way failing={failing} proposal={proposal} />}
    </li>
  );
}

/** The proposed way out and the button that takes it. */
function Way({ failing, proposal }: { failing: FailingMission; proposal: WayOut }) {
  const t = useT();
  const language = useLanguage();
  const { message } = App.useApp();
  const run = useProblems();
  const { kind, why, feature, plan } = proposal;
  const { mission_id, mission_name, revision, vehicle_id } = failing;
  const command = COMMANDS[kind];

  const order = async () => {
    if (!command || !vehicle_id) return;
    await api.command(vehicle_id, command);
    void message.success(t("command.sent", { name: vehicle_id, command: t(`command.${command}`) }));
  };
  const look = () => {
    if (!plan) return;
    showOnMap({ missionId: mission_id, plan });
    lookAt(positions(plan.path));
  };
  const save = async () => {
    if (!feature) return;
    const made = await api.revise(mission_id, revision, feature);
    await loadMissions();
    void message.success(t("alert.saved", { name: mission_name, n: made.revision }));
  };

  const take = (
    <Button size="small" type="primary" danger={kind === "land"} data-testid="take-way" {...(kind === "land" ? {} : { onClick: () => run(order) })}>
      {t("proposal.adopt")}
    </Button>
  );
  return (
    <div className="failing-way" data-kind={kind} data-testid="failing-way">
      <span>
        <strong>{t("alert.proposed", { what: t(`proposal.${kind}`) })}</strong>
        <small>{said(why, language)}</small>
      </span>
      {plan && (
        <Button size="small" onClick={look}>
          {t("alert.look")}
        </Button>
      )}
      {feature && (
        <Button size="small" type="primary" onClick={() => run(save)}>
          {t("alert.save")}
        </Button>
      )}
      {command && kind !== "land" && take}
      {kind === "land" && (
        <Popconfirm title={t("command.landQuestion")} okText={t("command.land")} okButtonProps={{ danger: true }} onConfirm={() => run(order)}>
          {take}
        </Popconfirm>
      )}
    </div>
  );
}
