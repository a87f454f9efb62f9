import { CloseOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useT } from "../i18n";
import { live } from "../state/connection";
import { places } from "../state/places";
import { useStore } from "../state/store";
import { Conflicts } from "./Conflicts";
import { closeDraft, draft, preview } from "./draft";
import { Fields } from "./Fields";
import { Figures } from "./Figures";
import { launchDraft } from "./launch";
import { ProofCard } from "./ProofCard";
import { Proposals } from "./Proposals";
import { Tools } from "./Tools";
import { candidates, choose, sameCandidates } from "./vehicles";

/** Draw, see what it takes and that it holds, launch. */
export function Planner() {
  const t = useT();
  const now = useStore(draft, (value) => value);
  const result = useStore(preview, (value) => value);
  const docks = useStore(places, (value) => value.docks);
  const plan = "plan" in result ? result.plan : null;
  const dockId = plan?.dock_id ?? now.dockId;
  const all = useStore(live, (value) => candidates(value, dockId), sameCandidates);
  const chosen = choose(all, now.vehicleId);
  const canLaunch = result.status === "planned" && !result.plan.conflicts.length && chosen !== null;
  return (
    <>
      <header className="side-head">
        <h2>{t(now.base ? "plan.editTitle" : "plan.title")}</h2>
        <Button type="text" icon={<CloseOutlined />} aria-label={t("app.close")} onClick={closeDraft} />
      </header>
      <div className="side-body">
        <Tools draft={now} />
        <Fields draft={now} preview={result} dockId={dockId} docks={docks} vehicles={all} chosen={chosen} airframe={plan?.airframe ?? null} />
      </div>
      <footer className="side-foot">
        <Figures preview={result} />
        {plan && <Conflicts plan={plan} />}
        {plan?.proof && <ProofCard key={plan.hash} plan={plan} proof={plan.proof} />}
        {plan && <Proposals proposals={plan.proposals} />}
        <Button
          block
          type="primary"
          size="large"
          disabled={!canLaunch}
          data-testid="launch"
          onClick={() => canLaunch && launchDraft(now, result.plan, chosen.id)}
        >
          {t("plan.launch")}
          {chosen && dockId && ` · ${chosen.name}`}
        </Button>
      </footer>
    </>
  );
}
