import { useEffect } from "react";
import type { Plan, Proof, Sortie } from "../api/model";
import { useT } from "../i18n";
import { ProofCard } from "../plan/ProofCard";
import { flownPlan, plans, wantFlown } from "../state/plans";
import { useStore } from "../state/store";

/** The proof of what a sortie flies or flew, its mission or the diversion that replaced it, and that what is on board is what was proven. */
export function SortieProof({ sortie }: { sortie: Sortie }) {
  const t = useT();
  const { sortie_id, mission_id, revision, diversion_id } = sortie;
  const plan = useStore(plans, (all) => flownPlan(all, { sortie_id, mission_id, revision, diversion_id }));
  useEffect(
    () => void wantFlown({ sortie_id, mission_id, revision, diversion_id }),
    [sortie_id, mission_id, revision, diversion_id],
  );
  if (!plan) return null;
  if (!plan.proof) return <p className="hint">{t("proof.none")}</p>;
  return <Flown sortie={sortie} plan={plan} proof={plan.proof} />;
}

function Flown({ sortie, plan, proof }: { sortie: Sortie; plan: Plan; proof: Proof }) {
  const t = useT();
  const { upload_verified: verified, mission_hash, fence_hash } = sortie;
  // A launch proves once more what was planned; that proof is the one that it flew under.
  const under = (!sortie.diversion_id && sortie.proof) || proof;
  const same = mission_hash === under.mission_hash && fence_hash === under.fence_hash;
  return (
    <section className="flown" aria-label={t("proof.flown")} data-testid="sortie-proof" data-same={verified && same}>
      <h3>{t("proof.flown")}</h3>
      <ProofCard plan={plan} proof={proof} under={under} />
      <dl className="hashes">
        <Hash label={t("launch.airspace")} value={`v${under.airspace_version}`} />
        <Hash label={t("proof.mission")} value={under.mission_hash} />
        <Hash label={t("proof.fence")} value={under.fence_hash} />
      </dl>
      {verified && (
        <p className="verdict" data-good={same}>
          {t(same ? "proof.same" : "proof.differ")}
        </p>
      )}
    </section>
  );
}

function Hash({ label, value }: { label: string; value: string }) {
  return (
    <div title={value}>
      <dt>{label}</dt>
      <dd className="num">{value.slice(0, 12)}</dd>
    </div>
  );
}
