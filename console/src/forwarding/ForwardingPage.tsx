import { CloseOutlined, PlusOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useEffect, useState } from "react";
import type { ForwardingRule } from "../api/model";
import { useT } from "../i18n";
import { useStore } from "../state/store";
import { openPage, view } from "../state/view";
import { ProblemNote } from "../ui/ProblemNote";
import { RuleEditor } from "./RuleEditor";
import { RuleRow } from "./RuleRow";
import { keepRules, rules } from "./rules";

/** Over the map, beside the fleet and its alarms: who is told what, and how far each of them is. */
export function ForwardingPage() {
  const open = useStore(view, ({ page }) => page === "forwarding");
  return open && <Page />;
}

/** `rule` null: a new one. */
type Edited = { rule: ForwardingRule | null } | null;

function Page() {
  const t = useT();
  const { all, problem } = useStore(rules, (now) => now);
  const [edited, setEdited] = useState<Edited>(null);
  useEffect(keepRules, []);
  // A rule that was deleted takes its form with it.
  const isThere = edited && (edited.rule === null || all?.some(({ id }) => id === edited.rule?.id));
  return (
    <section className="panel desk" aria-label={t("forward.title")} data-testid="forwarding-page">
      <header className="side-head">
        <h2>{t("forward.title")}</h2>
        <Button type="primary" icon={<PlusOutlined />} data-testid="new-rule" onClick={() => setEdited({ rule: null })}>
          {t("forward.new")}
        </Button>
        <Button type="text" icon={<CloseOutlined />} aria-label={t("app.close")} onClick={() => openPage("map")} />
      </header>
      <div className="desk-body">
        <div className="desk-main">
          {problem && <ProblemNote problem={problem.document} />}
          {all && all.length > 0 && <Table all={all} edited={edited?.rule?.id ?? null} onEdit={(rule) => setEdited({ rule })} />}
          {all?.length === 0 && <p className="hint desk-empty">{t("forward.empty")}</p>}
        </div>
        {edited && isThere && <RuleEditor key={edited.rule?.id ?? "new"} rule={edited.rule} onClose={() => setEdited(null)} />}
      </div>
    </section>
  );
}

const COLUMNS = ["rule", "what", "state", "lag", "waiting", "sent", "lost"] as const;

interface TableProps {
  all: readonly ForwardingRule[];
  edited: string | null;
  onEdit: (rule: ForwardingRule) => void;
}

function Table({ all, edited, onEdit }: TableProps) {
  const t = useT();
  return (
    <table className="rules">
      <thead>
        <tr>
          {COLUMNS.map((each) => (
            <th key={each} data-column={each}>
              {t(`forward.${each}`)}
            </th>
          ))}
          <th aria-label={t("forward.acts")} />
        </tr>
      </thead>
      <tbody>
        {all.map((rule) => (
          <RuleRow key={rule.id} rule={rule} edited={rule.id === edited} onEdit={() => onEdit(rule)} />
        ))}
      </tbody>
    </table>
  );
}
