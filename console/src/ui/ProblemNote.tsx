import type { Problem } from "../api/problem";
import { useT } from "../i18n";
import { problemText } from "../i18n/wording";

/** A refusal: what it is in the operator's language, and its own words below. */
export function ProblemNote({ problem }: { problem: Problem }) {
  const t = useT();
  const { title, detail } = problemText(problem, t);
  return (
    <div className="problem" role="alert" data-testid="problem" data-slug={problem.slug}>
      <strong>{title}</strong>
      {detail && <p>{detail}</p>}
      {problem.document.checks && (
        <ul>
          {problem.document.checks
            .filter(({ ok }) => !ok)
            .map(({ check, detail: why }) => (
              <li key={check}>
                {check}: {why}
              </li>
            ))}
        </ul>
      )}
    </div>
  );
}
