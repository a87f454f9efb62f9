import { formatDuration, formatLength, formatNumber } from "../geo/format";
import { useLanguage, useT } from "../i18n";
import { said } from "../i18n/phrases";
import { ProblemNote } from "../ui/ProblemNote";
import type { Preview } from "./draft";

const FIELD_POINTER = /^\/properties\//;

/** What the plan takes: length, time, battery. */
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
  const plan = preview.status === "none" ? null : preview.plan;
  if (preview.status === "none") return <p className="hint figures-hint">{t("plan.waiting")}</p>;
  return (
    <dl className="figures" data-busy={preview.status === "loading"} aria-busy={preview.status === "loading"}>
      <Figure label={t("plan.length")} testid="plan-length" value={formatLength(plan?.length_m ?? null)} />
      <Figure label={t("plan.duration")} testid="plan-duration" value={formatDuration(plan?.duration_s ?? null)} />
      <Figure label={t("plan.battery")} testid="plan-battery" value={plan ? `${formatNumber(plan.battery_needed_pct)}%` : "–"} />
      <Figure label={t("plan.waypoints")} testid="plan-waypoints" value={formatNumber(plan?.waypoints_total ?? null)} />
    </dl>
  );
}

function Figure({ label, testid, value }: { label: string; testid: string; value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd className="num" data-testid={testid}>
        {value}
      </dd>
    </div>
  );
}
