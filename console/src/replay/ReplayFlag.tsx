import { reviews, stillFailing } from "../airspace/reviews";
import type { FailingMission } from "../api/model";
import { formatStamp } from "../geo/format";
import { useT } from "../i18n";
import { isPressing } from "../state/alarms";
import { live } from "../state/connection";
import type { Live } from "../state/live";
import { shallow, useStore } from "../state/store";
import { alarmsWanted } from "../state/view";
import { backToLive, replaying } from "./replaying";
import { useMoment } from "./useMoment";

/** Says in the bar at the top that this is not now, and when it was. */
export function ReplayFlag() {
  const t = useT();
  const name = useStore(replaying, (now) => now?.reel.sortie?.mission_name ?? null);
  const ms = useMoment();
  return (
    <div className="replay-flag" role="status" aria-live="off" data-testid="replay-flag">
      <strong>{t("replay.notLive")}</strong>
      <span className="num" data-testid="replay-moment" data-at={new Date(ms).toISOString()}>
        {formatStamp(ms)}
      </span>
      <span>{name ?? t("replay.fleet")}</span>
    </div>
  );
}

const troubles = ({ alarms, traffic }: Live) => ({
  all: alarms.size + traffic.size,
  pressing: [...alarms.values()].filter(isPressing).length,
});

/** Flights in the air that the airspace makes unflyable. */
const aloft = (failing: readonly FailingMission[]) => failing.filter(({ sortie_id }) => sortie_id !== null).length;

/** What is wrong now, while a recording is shown: one press leads back to it. */
export function LiveTrouble() {
  const t = useT();
  const { all, pressing } = useStore(live, troubles, shallow);
  const { full, dismissed } = useStore(reviews, (now) => now);
  const unflyable = useStore(live, (now) => (full && full.version !== dismissed ? aloft(stillFailing(full, now, [])) : 0));
  if (!all && !unflyable) return null;
  const look = () => {
    backToLive();
    alarmsWanted.update((n) => n + 1);
  };
  return (
    <button type="button" className="alarm-count" data-pressing="true" data-testid="live-trouble" onClick={look}>
      {t("replay.liveTrouble")}
      <b className="num">{all + unflyable}</b>
      {pressing > 0 && <span>{t("alarm.pressing", { n: pressing })}</span>}
      <span>{t("replay.back")} →</span>
    </button>
  );
}
