import { useEffect, useRef } from "react";
import { api } from "../api/client";
import type { Alarm } from "../api/model";
import { formatTime } from "../geo/format";
import { useLanguage, useT } from "../i18n";
import { said } from "../i18n/phrases";
import { alarmText } from "../i18n/wording";
import { isPressing, ordered } from "../state/alarms";
import { live } from "../state/connection";
import { withNoted } from "../state/live";
import { shallow, useStore } from "../state/store";
import { alarmsWanted, selectVehicle } from "../state/view";
import { Elapsed } from "../ui/Age";
import { useProblems } from "../ui/useProblems";

/** What is wrong now, the gravest first; gone when nothing is. What is over is in the event log. */
export function AlarmPanel() {
  const t = useT();
  const alarms = useStore(live, (now) => ordered(now.alarms.values()), shallow);
  const wanted = useStore(alarmsWanted, (now) => now);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    if (!wanted) return;
    const first = (what: string) => list.current?.querySelector<HTMLElement>(what);
    (first(".alarm-note") ?? first("button"))?.focus();
  }, [wanted]);
  if (!alarms.length) return null;
  const pressing = alarms.some(isPressing);
  return (
    <section className="panel alarms" role="alert" data-pressing={pressing} aria-label={t("alarm.title")} data-testid="alarms">
      <h2>
        {t("alarm.title")}
        <b className="num">{alarms.length}</b>
      </h2>
      <ul ref={list}>
        {alarms.map((alarm) => (
          <Row key={alarm.id} alarm={alarm} />
        ))}
      </ul>
    </section>
  );
}

function Row({ alarm }: { alarm: Alarm }) {
  const t = useT();
  const language = useLanguage();
  const run = useProblems();
  const { id, kind, severity, text, vehicle_id, began_at, acknowledged_at, acknowledged_by } = alarm;
  const name = useStore(live, (now) => now.vehicles.get(vehicle_id)?.state.name ?? vehicle_id);
  const note = async () => {
    const noted = await api.acknowledge(id);
    live.update((now) => withNoted(now, noted));
  };
  return (
    <li data-testid="alarm" data-kind={kind} data-severity={severity} data-noted={acknowledged_at !== null}>
      <div className="alarm-head">
        <strong>{alarmText(kind, t)}</strong>
        <button type="button" className="log-who" onClick={() => selectVehicle(vehicle_id)}>
          {name}
        </button>
        <span className="alarm-age num" title={t("alarm.since", { at: formatTime(began_at) })}>
          <Elapsed from={began_at} to={null} />
        </span>
      </div>
      <div className="alarm-foot">
        <small title={text}>{said(text, language)}</small>
        {acknowledged_at === null ? (
          <button
            type="button"
            className="alarm-note"
            data-testid="take-note"
            aria-label={t("alarm.noteOf", { kind: alarmText(kind, t), name })}
            onClick={() => run(note)}
          >
            {t("alarm.note")}
          </button>
        ) : (
          <small className="alarm-noted" title={acknowledged_by ?? ""}>
            {t("alarm.noted", { at: formatTime(acknowledged_at) })}
          </small>
        )}
      </div>
    </li>
  );
}
