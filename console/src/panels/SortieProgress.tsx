import type { Sortie, SortieState } from "../api/model";
import { formatLength, formatTime } from "../geo/format";
import { useT } from "../i18n";
import type { Key } from "../i18n/messages";
import { Elapsed } from "../ui/Age";
import { ProblemNote } from "../ui/ProblemNote";
import { SortieProof } from "./SortieProof";

const STEPS = ["preflight", "uploading", "ready", "taking_off", "on_mission", "returning", "landing", "closed"] as const;

/** States that are part of the mission: it holds, or flies what replaced it. */
const MID_MISSION: ReadonlySet<SortieState> = new Set<SortieState>(["paused", "held", "diverted"]);

/** Which step a state belongs to. */
function stepOf(sortie: Sortie): number {
  const { state } = sortie;
  if (state === "refused" || state === "aborted" || state === "lost") return stepOfName(sortie.transitions.at(-1)?.from_state ?? "preflight");
  return stepOfName(state);
}

function stepOfName(state: SortieState): number {
  const name = MID_MISSION.has(state) ? "on_mission" : state === "landed" ? "landing" : state;
  return Math.max(0, STEPS.findIndex((step) => step === name));
}

/** When the sortie first came into each state. */
function arrivals({ transitions }: Sortie): Map<SortieState, string> {
  return new Map([...transitions].reverse().map((step) => [step.to_state, step.at]));
}

/** How far a sortie has come: its state in words, its steps, its figures. */
export function SortieProgress({ sortie }: { sortie: Sortie }) {
  const t = useT();
  const now = stepOf(sortie);
  const at = arrivals(sortie);
  const failed = sortie.state === "refused" || sortie.state === "aborted" || sortie.state === "lost";
  const holds = sortie.state === "paused" || sortie.state === "held";
  const says: Key = sortie.outcome ? `outcome.${sortie.outcome}` : `state.${sortie.state}`;
  const tone = failed ? "bad" : holds || sortie.outcome === "aborted" ? "warn" : sortie.outcome ? "good" : "active";
  return (
    <section className="sortie" aria-label={t("sortie.title")}>
      <div className="sortie-head">
        <span>{sortie.mission_name}</span>
        <strong className="state" data-tone={tone} data-testid="sortie-state" data-state={sortie.state}>
          {t(says)}
        </strong>
      </div>
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
      <ol className="steps" data-failed={failed}>
        {STEPS.map((step, index) => (
          <li key={step} data-step={index < now || sortie.state === "closed" ? "done" : index === now ? "now" : "next"}>
            <span>{t(`state.${step === "on_mission" && MID_MISSION.has(sortie.state) ? sortie.state : step}` satisfies Key)}</span>
            <time className="num">{stamp(at.get(step))}</time>
          </li>
        ))}
      </ol>
      {sortie.upload_verified && <p className="verdict" data-good="true">{t("sortie.verified")}</p>}
      <SortieProof sortie={sortie} />
      {sortie.problem && <ProblemNote problem={{ ...sortie.problem, checks: sortie.checks }} testid="sortie-problem" />}
    </section>
  );
}

const stamp = (at: string | undefined) => (at ? formatTime(at) : "");
