import { App, Button } from "antd";
import { useCallback } from "react";
import type { Diversion } from "../api/model";
import { formatAge, formatDuration, formatLength, formatNumber } from "../geo/format";
import { useLanguage, useT } from "../i18n";
import { said } from "../i18n/phrases";
import { Conflicts } from "../plan/Conflicts";
import { ProofCard } from "../plan/ProofCard";
import { Proposals } from "../plan/Proposals";
import { live } from "../state/connection";
import { batteryPct } from "../state/freshness";
import type { Seen } from "../state/live";
import { useStore } from "../state/store";
import { ProblemNote } from "../ui/ProblemNote";
import { Ticking } from "../ui/Ticking";
import { useProblems } from "../ui/useProblems";
import { adoptProposal, changeManoeuvre, flyTrial, manoeuvre, trial } from "./manoeuvre";

/** The preview of a manoeuvre: what it takes, that it holds, and the one click that flies it. */
export function TrialCard() {
  const t = useT();
  const language = useLanguage();
  const now = useStore(trial, (value) => value);
  const run = useProblems();
  const { message } = App.useApp();
  if (now.status === "none") return <p className="hint">{t("divert.tell")}</p>;
  if (now.status === "refused") {
    const { problem } = now;
    const errors = problem.document.errors?.filter(({ pointer }) => !FIELDS.test(pointer)) ?? [];
    if (problem.document.errors && !errors.length) return <p className="hint">{t("plan.fixFields")}</p>;
    return (
      <>
        <ProblemNote problem={problem.document} testid="divert-problem" />
        {errors.map(({ pointer, detail }) => (
          <p key={pointer} className="hint">
            {said(detail, language)}
          </p>
        ))}
        <Again />
      </>
    );
  }
  const { diversion } = now;
  if (!diversion) return <p className="hint">{t("divert.asking")}</p>;
  const { plan } = diversion;
  const ready = now.status === "planned" && !plan.conflicts.length;
  const fly = async () => {
    const { vehicleId = "" } = manoeuvre.get() ?? {};
    const name = live.get().vehicles.get(vehicleId)?.state.name ?? vehicleId;
    if (await flyTrial()) void message.success(t("divert.flown", { name, what: t(`command.${diversion.kind}`) }));
  };
  return (
    <div className="trial" data-status={now.status} aria-busy={now.status !== "planned"} data-testid="trial">
      <Takes diversion={diversion} />
      <Conflicts plan={plan} />
      {plan.proof && <ProofCard key={diversion.diversion_id} plan={plan} proof={plan.proof} />}
      <Proposals proposals={plan.proposals} onAdopt={adoptProposal} />
      {now.status === "planned" && now.problem && <ProblemNote problem={now.problem.document} testid="divert-problem" />}
      <p className="hint trial-foot">
        <span>{t(now.status === "flying" ? "divert.flying" : "divert.note")}</span>
        {now.status === "planned" && <Age atMs={now.atMs} />}
        {now.status === "planned" && <Again />}
      </p>
      <Button
        block
        type="primary"
        size="large"
        disabled={!ready && now.status !== "flying"}
        loading={now.status === "flying"}
        data-testid="divert-fly"
        onClick={() => run(fly)}
      >
        {t("divert.fly")}
      </Button>
    </div>
  );
}

/** Members with a field of their own, under which the reason stands. */
const FIELDS = /\/(?:alt_rel_m|speed_mps|hold_s|radius_m|turns|waypoint)$/;

function Age({ atMs }: { atMs: number }) {
  const read = useCallback((nowMs: number) => ({ text: formatAge(Math.max(0, nowMs - atMs) / 1000) }), [atMs]);
  return <Ticking className="num" read={read} />;
}

function Again() {
  const t = useT();
  return (
    <button type="button" className="link-button" onClick={() => changeManoeuvre({ again: (manoeuvre.get()?.again ?? 0) + 1 })}>
      {t("divert.again")}
    </button>
  );
}

const chargeOf = (seen: Seen | undefined) => (seen ? batteryPct(seen.state) : null);

/** Way and time from where it is until it has landed, and the charge that it then has. */
function Takes({ diversion: { plan } }: { diversion: Diversion }) {
  const t = useT();
  const charge = useStore(live, ({ vehicles }) => chargeOf(vehicles.get(manoeuvre.get()?.vehicleId ?? "")));
  // The plan's need contains the reserve; the charge at landing is what is left of it.
  const left = charge === null ? null : charge - (plan.battery_p95_pct - plan.reserve_pct);
  return (
    <dl className="figures">
      <div>
        <dt>{t("plan.length")}</dt>
        <dd className="num">{formatLength(plan.length_m)}</dd>
      </div>
      <div>
        <dt>{t("plan.duration")}</dt>
        <dd className="num">{formatDuration(plan.duration_s)}</dd>
      </div>
      <div data-tone={left !== null && left < plan.reserve_pct ? "bad" : "idle"}>
        <dt>{t("divert.left")}</dt>
        <dd className="num" data-testid="divert-left">
          {formatNumber(left)}%
        </dd>
      </div>
    </dl>
  );
}
