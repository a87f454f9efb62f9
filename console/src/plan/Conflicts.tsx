import type { Conflict, Plan } from "../api/model";
import { positions } from "../geo/geo";
import { useT } from "../i18n";
import { conflictFacts } from "../i18n/conflictFacts";
import { conflictText } from "../i18n/wording";
import { lookAt } from "../map/camera";
import { focus } from "../state/view";

/** Why the plan may not fly, one reason a row; a row leads to its place on the map. */
export function Conflicts({ plan }: { plan: Plan }) {
  const t = useT();
  const { conflicts, waypoints_total: total } = plan;
  if (!conflicts.length) return null;
  return (
    <div className="conflicts">
      <p className="verdict" data-good="false">
        {t("plan.conflicts", { n: conflicts.length })}
      </p>
      <ul>
        {conflicts.map((conflict, index) => (
          // Conflicts have no id; a plan's list never changes in place.
          <ConflictRow key={index} conflict={conflict} text={conflictText(conflict, total, t)} />
        ))}
      </ul>
    </div>
  );
}

export function ConflictRow({ conflict, text, testid = "conflict-item" }: { conflict: Conflict; text: string; testid?: string }) {
  const t = useT();
  const { geometry } = conflict;
  const facts = conflictFacts(conflict.detail, t);
  return (
    <li>
      <button
        type="button"
        data-testid={testid}
        data-code={conflict.code}
        disabled={!geometry}
        title={conflict.detail}
        onMouseEnter={() => geometry && focus.set([geometry])}
        onMouseLeave={() => focus.set([])}
        onClick={() => geometry && lookAt(positions(geometry), 16)}
      >
        <span>{text}</span>
        {facts && <small className="num">{facts}</small>}
      </button>
    </li>
  );
}
