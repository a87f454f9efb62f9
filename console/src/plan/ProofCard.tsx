import { useState } from "react";
import type { Plan, Proof, ProofCheck } from "../api/model";
import { positions } from "../geo/geo";
import { formatDateTime, formatGap } from "../geo/format";
import { useLanguage, useT } from "../i18n";
import { foundText, ruleText } from "../i18n/proof";
import { lookAt } from "../map/camera";
import { places } from "../state/places";
import { useStore } from "../state/store";
import { focus } from "../state/view";
import { nameIn } from "./patterns";
import { placesOf, sorted, summaryOf } from "./proof";

/** The verdict on a plan by a checker that shares nothing with the planner; opens into what it looked at.
 *
 * `under`: the record of a later proof of the same plan, whose verdict, version and times then count.
 */
export function ProofCard({ plan, proof, under = proof }: { plan: Plan; proof: Proof; under?: Under }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const { checks, failed, closest } = summaryOf(proof);
  const { valid } = under;
  const zoneName = useZoneNames();
  const room = closest && {
    gap: formatGap(closest.gap_m ?? 0),
    zone: zoneName(closest.zone_id) ?? t("proof.edge"),
  };
  return (
    <section className="proof" data-good={valid} data-testid="proof" data-valid={valid} data-checks={checks}>
      <button type="button" className="proof-head" aria-expanded={open} data-testid="proof-open" onClick={() => setOpen(!open)}>
        <strong>{t(valid ? "proof.valid" : "proof.refuted")}</strong>
        <span className="num">{t(valid ? "proof.checks" : "proof.failed", { n: valid ? checks : failed, all: checks })}</span>
        {valid && room && <small className="num">{t("proof.room", room)}</small>}
      </button>
      {open && (
        <>
          <ul className="checks">
            {sorted(proof.checks).map((check, index) => (
              // Lines have no id; a proof never changes.
              <Line key={index} check={check} plan={plan} zone={zoneName(check.zone_id)} />
            ))}
          </ul>
          <p className="hint num">
            {t("proof.holds", {
              version: under.airspace_version,
              from: formatDateTime(under.holds_from),
              until: formatDateTime(under.holds_until),
            })}
          </p>
        </>
      )}
    </section>
  );
}

type Under = Pick<Proof, "valid" | "airspace_version" | "holds_from" | "holds_until">;

function Line({ check, plan, zone }: { check: ProofCheck; plan: Plan; zone: string | null }) {
  const t = useT();
  const language = useLanguage();
  const where = () => placesOf(check, plan, places.get().airspace?.zones.features ?? []);
  const shown = Boolean(check.geometry ?? check.leg ?? check.zone_id);
  const point = () => shown && focus.set(where());
  const found = foundText(check, plan.waypoints_total, zone, t, language);
  return (
    <li>
      <button
        type="button"
        data-testid="proof-check"
        data-rule={check.rule}
        data-ok={check.ok}
        disabled={!shown}
        title={check.detail}
        onMouseEnter={point}
        onFocus={point}
        onMouseLeave={() => focus.set([])}
        onBlur={() => focus.set([])}
        onClick={() => lookAt(where().slice(0, 1).flatMap(positions), 16)}
      >
        <span>{ruleText(check.rule, t)}</span>
        {found && <small className="num">{found}</small>}
      </button>
    </li>
  );
}

/** The names of zones by id, in the page's language; null: not a zone of the airspace that is loaded. */
export function useZoneNames(): (id: string | null) => string | null {
  const language = useLanguage();
  const airspace = useStore(places, (now) => now.airspace);
  return (id) => {
    const zone = id === null ? undefined : airspace?.zones.features.find((each) => each.id === id);
    return zone ? nameIn(language, zone.properties) : id;
  };
}
