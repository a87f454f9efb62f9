import type { Conflict } from "../api/model";
import type { ProblemDocument } from "../api/problem";
import { slugOf } from "../api/problem";
import { useLanguage, useT } from "../i18n";
import { conflictFacts } from "../i18n/conflictFacts";
import { said } from "../i18n/phrases";
import { checkName, conflictText, problemText } from "../i18n/wording";

/** A refusal: what it is in the operator's language, and its own words below. */
export function ProblemNote({ problem, testid = "problem" }: { problem: ProblemDocument; testid?: string }) {
  const t = useT();
  const language = useLanguage();
  const { title, detail } = problemText(problem, t, language);
  const { conflicts = [] } = problem;
  const reason = (conflict: Conflict) => [conflictText(conflict, Infinity, t), conflictFacts(conflict.detail, t)].filter(Boolean).join(" · ");
  const failed = problem.checks?.filter(({ ok, required }) => !ok && required !== false) ?? [];
  return (
    <div className="problem" role="alert" data-testid={testid} data-slug={slugOf(problem.type)}>
      <strong>{title}</strong>
      {conflicts.length ? conflicts.map((each, index) => <p key={index}>{reason(each)}</p>) : detail && <p>{detail}</p>}
      {failed.map(({ check, detail: why }) => (
        <p key={check}>
          {checkName(check, t)}: {said(why, language)}
        </p>
      ))}
    </div>
  );
}
