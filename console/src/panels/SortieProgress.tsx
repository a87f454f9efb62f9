import type { Sortie, SortieState } from "../api/model";
import { brokenOff } from "../divert/continuing";
import { formatDateTime, formatTime } from "../geo/format";
import { useT } from "../i18n";
import type { Key } from "../i18n/messages";
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

/** How a sortie came here: who approved it, its steps, what it carries and under which proof. */
export function SortieProgress({ sortie }: { sortie: Sortie }) {
  const t = useT();
  const now = stepOf(sortie);
  const at = arrivals(sortie);
  const failed = sortie.state === "refused" || sortie.state === "aborted" || sortie.state === "lost";
  const { approved_by: by, approved_at } = sortie;
  const broken = brokenOff(sortie);
  return (
    <section className="sortie">
      <ol className="steps" data-failed={failed}>
        {STEPS.map((step, index) => (
          <li key={step} data-step={index < now || sortie.state === "closed" ? "done" : index === now ? "now" : "next"}>
            <span>{t(`state.${step === "on_mission" && MID_MISSION.has(sortie.state) ? sortie.state : step}` satisfies Key)}</span>
            <time className="num">{stamp(at.get(step))}</time>
          </li>
        ))}
      </ol>
      {by && approved_at && <p className="verdict" data-good="true">{t("sortie.approvedBy", { by, at: formatTime(approved_at) })}</p>}
      {sortie.continues && <p className="hint">{t("sortie.continues")}</p>}
      {broken && sortie.outcome && (
        <p className="hint">
          {t("sortie.break", { n: broken.waypoint + 1, all: sortie.waypoints_total, at: formatDateTime(broken.at) })}
        </p>
      )}
      {sortie.upload_verified && <p className="verdict" data-good="true">{t("sortie.verified")}</p>}
      <SortieProof sortie={sortie} />
      {sortie.problem && <ProblemNote problem={{ ...sortie.problem, checks: sortie.checks }} testid="sortie-problem" />}
    </section>
  );
}

const stamp = (at: string | undefined) => (at ? formatTime(at) : "");
