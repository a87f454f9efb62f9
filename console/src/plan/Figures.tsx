import type { Plan } from "../api/model";
import { formatDuration, formatLength, formatNumber } from "../geo/format";
import { useLanguage, useT } from "../i18n";
import { said } from "../i18n/phrases";
import { ProblemNote } from "../ui/ProblemNote";
import type { Preview } from "./draft";
import { FIELD_POINTER } from "./Fields";

/** What the plan takes: length, time, battery, and which way it would come home. */
export function Figures({ preview }: { preview: Preview }) {
  const t = useT();
  const language = useLanguage();
  if (preview.status === "failed") return <ProblemNote problem={preview.problem.document} />;
  if (preview.status === "invalid") {
    const rest = preview.errors.filter(({ pointer }) => !FIELD_POINTER.test(pointer));
    return (
      <div className="problem" role="alert">
        <strong>{t(rest.length ? "problem.invalid-request" : "plan.fixFields")}</strong>
        {rest.map(({ pointer, detail }) => (
          <p key={pointer}>{said(detail, language)}</p>
        ))}
      </div>
    );
  }
  if (preview.status === "none") return <p className="hint figures-hint">{t("plan.waiting")}</p>;
  const { plan } = preview;
  const p95 = (text: string | null) => (text === null ? "" : t("plan.p95", { value: text }));
  return (
    <div className="takes" data-busy={preview.status === "loading"} aria-busy={preview.status === "loading"}>
      <dl className="figures">
        <Figure label={t("plan.length")} testid="plan-length" value={formatLength(plan?.length_m ?? null)} />
        <Figure
          label={t("plan.duration")}
          testid="plan-duration"
          value={formatDuration(plan?.duration_s ?? null)}
          more={p95(plan && formatDuration(plan.duration_p95_s))}
        />
        <Figure
          label={t("plan.battery")}
          testid="plan-battery"
          value={plan ? `${formatNumber(plan.battery_needed_pct)}%` : "–"}
          more={p95(plan && `${formatNumber(plan.battery_p95_pct)}%`)}
        />
        <Figure label={t("plan.waypoints")} testid="plan-waypoints" value={formatNumber(plan?.waypoints_total ?? null)} />
      </dl>
      {plan && plan.waypoints_total > 0 && <Charge plan={plan} />}
      {plan && plan.waypoints_total > 0 && <WayHome plan={plan} />}
    </div>
  );
}

function Figure({ label, testid, value, more = "" }: { label: string; testid: string; value: string; more?: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd className="num" data-testid={testid}>
        {value}
      </dd>
      {more && <dd className="num figure-more">{more}</dd>}
    </div>
  );
}

/** The whole battery from left to right: the median flight, what 95 of 100 stay under, the reserve that must remain. */
export function Charge({ plan }: { plan: Plan }) {
  const t = useT();
  const { battery_needed_pct: median, battery_p95_pct: p95, reserve_pct: reserve } = plan;
  const width = (pct: number) => ({ width: `${Math.min(100, Math.max(0, pct))}%` });
  return (
    <div className="charge" data-bad={p95 > 100} title={t("plan.chargeHint")} data-testid="plan-charge">
      <i className="charge-p95" style={width(p95 - reserve)} />
      <i className="charge-median" style={width(median - reserve)} />
      <i className="charge-reserve" style={width(reserve)} />
      <small className="num" style={{ right: `${reserve}%` }}>
        {t("plan.reserve", { pct: formatNumber(reserve) })}
      </small>
    </div>
  );
}

/** How the autopilot would come home, and the fence that it carries, in words. */
function WayHome({ plan }: { plan: Plan }) {
  const t = useT();
  const { returns, return_alt_rel_m: height, fence, rally } = plan;
  const vertices = fence?.polygons.reduce((sum, { ring }) => sum + ring.length, 0) ?? 0;
  return (
    <dl className="ways">
      <div>
        <dt>{t("plan.wayHome")}</dt>
        <dd className="num" data-testid="plan-returns" data-returns={returns}>
          {t(`returns.${returns}`, { m: formatNumber(height) })}
          {rally.length > 0 && ` · ${t("plan.rallyCount", { n: rally.length })}`}
        </dd>
      </div>
      {fence && (
        <div>
          <dt>{t("plan.fence")}</dt>
          <dd className="num" data-testid="plan-fence">
            {t("plan.fenceSays", { n: vertices, m: Math.round(fence.alt_max_rel_m) })}
          </dd>
        </div>
      )}
    </dl>
  );
}
