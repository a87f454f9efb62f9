import { CloseOutlined } from "@ant-design/icons";
import { App, Button, Checkbox, Input, InputNumber, Switch } from "antd";
import { useState } from "react";
import type { ForwardingRule } from "../api/model";
import { Problem } from "../api/problem";
import { useLanguage, useT } from "../i18n";
import { said } from "../i18n/phrases";
import { Field } from "../plan/Field";
import { ProblemNote } from "../ui/ProblemNote";
import { FilterFields } from "./FilterFields";
import { BLANK, formOf, isComplete, type RuleForm, type What, WHATS } from "./form";
import { saveRule } from "./rules";
import { TargetFields } from "./TargetFields";

/** What the fields work with. `against`: what the service said against the member at a JSON pointer. */
export interface Editing {
  form: RuleForm;
  change: (part: Partial<RuleForm>) => void;
  against: (pointer: string) => string | null;
}

interface Props {
  /** The rule that is changed, as it was when its form was opened; null: a new one. */
  rule: ForwardingRule | null;
  onClose: () => void;
}

export function RuleEditor({ rule, onClose }: Props) {
  const t = useT();
  const { message } = App.useApp();
  const [form, setForm] = useState(rule ? formOf(rule) : BLANK);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const against = useReasons(problem);
  const editing: Editing = { form, change: (part) => setForm((now) => ({ ...now, ...part })), against };

  const save = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await saveRule(form, rule);
      void message.success(t("forward.saved", { name: form.name.trim() }));
      onClose();
    } catch (reason) {
      if (!(reason instanceof Problem)) throw reason;
      setProblem(reason);
      setBusy(false);
    }
  };

  return (
    <form
      className="desk-side"
      aria-label={t(rule ? "forward.change" : "forward.new")}
      data-testid="rule-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (isComplete(form)) void save();
      }}
    >
      <header className="side-head">
        <h2>{rule ? rule.name : t("forward.new")}</h2>
        <Button type="text" icon={<CloseOutlined />} aria-label={t("forward.closeForm")} onClick={onClose} />
      </header>
      <div className="side-body">
        <div className="fields">
          <Field label={t("forward.name")} reason={against("/name")} wide>
            <Input value={form.name} maxLength={80} placeholder={t("forward.nameHint")} onChange={({ target }) => editing.change({ name: target.value })} data-testid="rule-name" />
          </Field>
        </div>
        <TargetFields editing={editing} stored={rule?.target.secrets ?? []} fixed={rule !== null} />
        <Told editing={editing} />
        <FilterFields editing={editing} />
        <Kept editing={editing} />
      </div>
      <footer className="side-foot">
        {problem && <Refused problem={problem} />}
        <Button block type="primary" size="large" htmlType="submit" loading={busy} disabled={!isComplete(form)} data-testid="save-rule">
          {t("forward.save")}
        </Button>
      </footer>
    </form>
  );
}

function Told({ editing: { form, change, against } }: { editing: Editing }) {
  const t = useT();
  return (
    <section className="section">
      <h3>{t("forward.what")}</h3>
      <Checkbox.Group
        value={[...form.what]}
        options={WHATS.map((value) => ({ value, label: t(`forward.${value}`) }))}
        onChange={(what) => change({ what: what as What[] })}
        data-testid="rule-what"
      />
      {against("/what") && <em className="field-reason">{against("/what")}</em>}
      {form.what.includes("telemetry") && (
        <div className="fields">
          <Field label={t("forward.rate")} reason={against("/rate_hz")}>
            <InputNumber
              value={form.rateHz}
              min={0.1}
              max={10}
              step={0.5}
              suffix="Hz"
              onChange={(rateHz) => rateHz !== null && change({ rateHz })}
              aria-label={t("forward.rate")}
              data-testid="rule-rate"
            />
          </Field>
          <Field label={t("forward.backfill")} reason={null} title={t("forward.backfillHint")}>
            <Switch size="small" checked={form.backfill} onChange={(backfill) => change({ backfill })} aria-label={t("forward.backfill")} />
          </Field>
        </div>
      )}
    </section>
  );
}

/** How much and how long is kept for a target that is away. */
function Kept({ editing: { form, change, against } }: { editing: Editing }) {
  const t = useT();
  return (
    <details className="more">
      <summary>{t("forward.keeps", { size: form.spoolMib, days: form.keptDays })}</summary>
      <div className="fields">
        <Field label={t("forward.spool")} reason={against("/spool_bytes")}>
          <InputNumber value={form.spoolMib} min={1} max={4096} suffix="MiB" onChange={(spoolMib) => spoolMib !== null && change({ spoolMib })} aria-label={t("forward.spool")} />
        </Field>
        <Field label={t("forward.kept")} reason={against("/kept_s")}>
          <InputNumber value={form.keptDays} min={0.01} max={30} suffix={t("forward.days")} onChange={(keptDays) => keptDays !== null && change({ keptDays })} aria-label={t("forward.kept")} />
        </Field>
      </div>
    </details>
  );
}

/** Members with a field of their own, under which the reason stands. */
const FIELDS = /^\/(?:name|what|rate_hz|spool_bytes|kept_s|filter\/(?:area|codes|units)|target\/(?:url|token|password|signing_key|username|state_topic|event_topic))(?:\/|$)/;

function Refused({ problem }: { problem: Problem }) {
  const t = useT();
  const language = useLanguage();
  const others = problem.document.errors?.filter(({ pointer }) => !FIELDS.test(pointer)) ?? [];
  if (problem.document.errors && !others.length) return <p className="hint">{t("plan.fixFields")}</p>;
  return (
    <>
      <ProblemNote problem={problem.document} testid="rule-problem" />
      {others.map(({ pointer, detail }) => (
        <p key={pointer} className="hint">
          {pointer} {said(detail, language)}
        </p>
      ))}
    </>
  );
}

function useReasons(problem: Problem | null): (pointer: string) => string | null {
  const language = useLanguage();
  return (pointer) => {
    const found = problem?.document.errors?.find((each) => each.pointer === pointer || each.pointer.startsWith(`${pointer}/`));
    return found ? said(found.detail, language) : null;
  };
}
