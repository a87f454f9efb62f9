import { Popconfirm } from "antd";
import type { ForwardingRule, ForwardingStanding } from "../api/model";
import { formatAge, formatBytes, formatCount, formatTime } from "../geo/format";
import { type Translate, useLanguage, useT } from "../i18n";
import { said } from "../i18n/phrases";
import { useProblems } from "../ui/useProblems";
import { pauseRule, removeRule } from "./rules";

const TONES = { idle: "idle", connected: "good", away: "bad", paused: "warn" } as const;

interface Props {
  rule: ForwardingRule;
  edited: boolean;
  onEdit: () => void;
}

/** One rule: whom it tells what, how its target does, what waits and what was lost. */
export function RuleRow({ rule, edited, onEdit }: Props) {
  const t = useT();
  const language = useLanguage();
  const run = useProblems();
  const { id, name, target, status, paused } = rule;
  const { state, lag_s, last_sent_at, last_error, last_error_at } = status;
  const told = last_error && state !== "connected" ? said(last_error, language) : null;
  return (
    <tr data-testid={`rule-${id}`} data-state={state} data-edited={edited}>
      <td>
        <strong>{name}</strong>
        <small title={target.url}>{target.url}</small>
        {target.overheard && <small className="rule-bad">{t("forward.overheard")}</small>}
      </td>
      <td>
        {rule.what.map((each) => t(`forward.${each}`)).join(" · ")}
        <small className="num">{factsOf(rule, t)}</small>
      </td>
      <td>
        <span className="state" data-tone={TONES[state]} data-testid="rule-state">
          {t(`forward.is.${state}`)}
        </span>
        {told && (
          <small className="rule-bad" title={told}>
            {last_error_at && formatTime(last_error_at)} {told}
          </small>
        )}
      </td>
      <td className="num" data-tone={lag_s > LATE_S ? "bad" : "idle"}>
        {lag_s > 0 ? formatAge(lag_s) : "–"}
      </td>
      <td className="num">
        {formatCount(status.waiting_events + status.waiting_telemetry)}
        <small>
          {formatBytes(status.spool_bytes)} / {formatBytes(rule.spool_bytes)}
        </small>
      </td>
      <td className="num" data-testid="rule-sent">
        {formatCount(status.sent_events + status.sent_telemetry)}
        <small>{last_sent_at ? formatTime(last_sent_at) : ""}</small>
      </td>
      <Lost status={status} />
      <td className="rule-acts">
        <button type="button" data-testid="rule-edit" onClick={onEdit}>
          {t("forward.edit")}
        </button>
        <button type="button" data-testid="rule-pause" onClick={() => run(() => pauseRule(rule))}>
          {t(paused ? "forward.resume" : "forward.pause")}
        </button>
        <Popconfirm
          title={t("forward.removeQuestion", { name })}
          okText={t("forward.remove")}
          okButtonProps={{ danger: true, "data-testid": "confirm-remove" }}
          onConfirm={() => run(() => removeRule(rule))}
        >
          <button type="button" data-testid="rule-remove">
            {t("forward.remove")}
          </button>
        </Popconfirm>
      </td>
    </tr>
  );
}

/** What waits longer than this is not on its way any more, it is held up. */
const LATE_S = 30;

function Lost({ status: { lost_events, lost_telemetry, dead } }: { status: ForwardingStanding }) {
  const t = useT();
  const all = lost_events + lost_telemetry + dead;
  return (
    <td className="num" data-tone={all ? "bad" : "idle"} title={t("forward.lostHint", { events: lost_events, telemetry: lost_telemetry, dead })}>
      {formatCount(all)}
    </td>
  );
}

/** Rate and filter in short. */
function factsOf({ what, rate_hz, backfill, filter }: ForwardingRule, t: Translate): string {
  const { vehicle_ids, units, codes, severities, area } = filter;
  return [
    what.includes("telemetry") ? `${rate_hz} Hz` : "",
    what.includes("telemetry") && backfill ? t("forward.backfill") : "",
    vehicle_ids.length ? t("forward.ofVehicles", { n: vehicle_ids.length }) : "",
    units.join("/"),
    severities.map((each) => t(`forward.${each}`)).join("/"),
    codes.join("/"),
    area ? t("forward.inArea") : "",
  ]
    .filter(Boolean)
    .join(" · ");
}
