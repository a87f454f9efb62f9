import type { Conflict, Plan } from "../api/model";
import { positions } from "../geo/geo";
import { useT } from "../i18n";
import { conflictFacts } from "../i18n/conflictFacts";
import { conflictText } from "../i18n/wording";
import { lookAt } from "../map/camera";

/** Why the plan may not fly, one reason a row; a row leads to its place on the map. */
export function Conflicts({ plan }: { plan: Plan }) {
  const t = useT();
  const { conflicts, waypoints_total: total, fence } = plan;
  if (!conflicts.length) {
    return (
      <p className="verdict" data-good="true" data-testid="plan-clear">
        {t("plan.clear")}
        {fence && <small>{t("plan.fenceHeight", { m: Math.round(fence.alt_max_rel_m) })}</small>}
      </p>
    );
  }
  return (
    <div className="conflicts">
      <p className="verdict" data-good="false">
        {t("plan.conflicts", { n: conflicts.length })}
      </p>
      <ul>
        {conflicts.map((conflict, index) => (
          // Conflicts have no id; a plan's list never changes in place.
          <Row key={index} conflict={conflict} total={total} />
        ))}
      </ul>
    </div>
  );
}

function Row({ conflict, total }: { conflict: Conflict; total: number }) {
  const t = useT();
  const { geometry } = conflict;
  const facts = conflictFacts(conflict.detail, t);
  return (
    <li>
      <button
        type="button"
        data-testid="conflict-item"
        data-code={conflict.code}
        disabled={!geometry}
        title={conflict.detail}
        onClick={() => geometry && lookAt(positions(geometry), 16)}
      >
        <span>{conflictText(conflict, total, t)}</span>
        {facts && <small className="num">{facts}</small>}
      </button>
    </li>
  );
}
