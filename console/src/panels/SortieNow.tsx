import type { Sortie, VehicleState } from "../api/model";
import { formatDuration, formatLength, formatNumber } from "../geo/format";
import { useLanguage, useT } from "../i18n";
import type { Key } from "../i18n/messages";
import { said } from "../i18n/phrases";
import { heldText } from "../i18n/wording";
import { Elapsed } from "../ui/Age";

/** It flies no plan any more: what the plan has left says nothing of when it lands. */
const GOES_HOME: ReadonlySet<Sortie["state"]> = new Set(["returning", "landing", "landed"]);

/** What a sortie does now: its state and who made it so, how far it is, when and with what charge it lands. */
export function SortieNow({ sortie, vehicle }: { sortie: Sortie; vehicle: VehicleState }) {
  const t = useT();
  const failed = sortie.state === "refused" || sortie.state === "aborted" || sortie.state === "lost";
  const holds = sortie.state === "paused" || sortie.state === "held";
  const says: Key = sortie.outcome ? `outcome.${sortie.outcome}` : `state.${sortie.state}`;
  const tone = failed ? "bad" : holds || sortie.outcome === "aborted" ? "warn" : sortie.outcome ? "good" : "active";
  const flies = vehicle.sortie_id === sortie.sortie_id && vehicle.link === "live" && !GOES_HOME.has(sortie.state);
  return (
    <section className="sortie" aria-label={t("sortie.title")}>
      <div className="sortie-head">
        <span>{sortie.mission_name}</span>
        <strong className="state" data-tone={tone} data-testid="sortie-state" data-state={sortie.state}>
          {t(says)}
        </strong>
      </div>
      {sortie.held && <Held held={sortie.held} />}
      {sortie.diversion_id && !sortie.outcome && <p className="note">{t("sortie.diverted")}</p>}
      {sortie.onboard === "mixed" && !sortie.outcome && <p className="note" data-tone="bad">{t("sortie.mixed")}</p>}
      <dl className="figures">
        <div>
          <dt>{t("sortie.waypoints")}</dt>
          <dd className="num" data-testid="waypoint-counter">
            {sortie.waypoints_reached}/{sortie.waypoints_total}
          </dd>
        </div>
        <div>
          <dt>{t("sortie.elapsed")}</dt>
          <dd className="num" data-testid="sortie-elapsed">
            <Elapsed from={sortie.armed_at} to={sortie.landed_at} />
          </dd>
        </div>
        <div>
          <dt>{t("sortie.distance")}</dt>
          <dd className="num">{formatLength(sortie.distance_m)}</dd>
        </div>
        <div data-tone={sortie.breaches ? "bad" : "idle"}>
          <dt>{t("sortie.breaches")}</dt>
          <dd className="num">{sortie.breaches}</dd>
        </div>
      </dl>
      <progress max={Math.max(1, sortie.waypoints_total)} value={sortie.waypoints_reached} aria-label={t("sortie.waypoints")} />
      {flies && vehicle.progress && <Ahead progress={vehicle.progress} />}
      {sortie.waypoints_skipped > 0 && <p className="hint">{t("sortie.skipped", { n: sortie.waypoints_skipped })}</p>}
    </section>
  );
}

function Held({ held }: { held: NonNullable<Sortie["held"]> }) {
  const t = useT();
  const language = useLanguage();
  const { who, why } = heldText(held, t);
  return (
    <p className="note" data-tone={held.by === "platform" ? "idle" : "warn"} data-testid="held" data-by={held.by} title={held.text}>
      {t("sortie.heldBy", { who, why: why ?? said(held.text, language) })}
    </p>
  );
}

/** What lies ahead of what it flies now. The charge is told as the median; 95 of 100 flights decide its colour. */
function Ahead({ progress }: { progress: NonNullable<VehicleState["progress"]> }) {
  const t = useT();
  const { eta_next_s, eta_landing_s, lands_with_pct: pct, lands_with_p95_pct: p95, reserve_pct: reserve } = progress;
  if (eta_landing_s === null && pct === null) return null;
  const short = p95 !== null && reserve !== null && p95 < reserve;
  const hint = { pct: formatNumber(pct), p95: formatNumber(p95), reserve: formatNumber(reserve) };
  return (
    <dl className="figures figures-ahead">
      <div>
        <dt>{t("sortie.next")}</dt>
        <dd className="num">{formatDuration(eta_next_s)}</dd>
      </div>
      <div>
        <dt>{t("sortie.landsIn")}</dt>
        <dd className="num" data-testid="eta-landing">
          {formatDuration(eta_landing_s)}
        </dd>
      </div>
      <div data-tone={short ? "bad" : "idle"} title={t("sortie.landsWithHint", hint)}>
        <dt>{t("sortie.landsWith")}</dt>
        <dd className="num" data-testid="lands-with">
          {pct === null ? "–" : `${formatNumber(pct)}%`}
        </dd>
      </div>
    </dl>
  );
}
