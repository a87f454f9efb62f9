import { useState } from "react";
import { formatDuration, formatTime } from "../geo/format";
import { type Language, type Translate, useLanguage, useT } from "../i18n";
import type { Key } from "../i18n/messages";
import { said } from "../i18n/phrases";
import { alarmText, commandText } from "../i18n/wording";
import { live } from "../state/connection";
import type { LogEntry } from "../state/live";
import { shallow, useStore } from "../state/store";
import { selectVehicle } from "../state/view";

const SHOWN = 120;
const CODES: Readonly<Record<string, Key>> = {
  "link-lost": "log.linkLost",
  "link-back": "log.linkBack",
  "pilot-mode": "log.pilotMode",
  "station-mode": "log.stationMode",
  "diversion-failed": "log.diversionFailed",
  "mission-mixed": "log.mixed",
  rebooted: "log.rebooted",
  "duplicate-system-id": "log.duplicate",
  "bad-signatures": "log.signatures",
  "speed-changed": "log.speed",
  "speed-not-set": "log.speed",
  unenrolled: "log.unenrolled",
  "airspace-review": "log.airspaceReview",
  traffic: "log.traffic",
  "forwarding-away": "log.forwarding",
  "forwarding-back": "log.forwarding",
  "forwarding-loss": "log.forwarding",
};

/** Autopilot texts, steps of sorties, lost links and alarms that are over, newest first. */
export function EventLog() {
  const t = useT();
  const [open, setOpen] = useState(true);
  const entries = useStore(live, ({ log }) => log.slice(0, SHOWN), shallow);
  const names = useStore(
    live,
    ({ vehicles }) => Object.fromEntries([...vehicles].map(([id, { state }]) => [id, state.name])),
    shallow,
  );
  return (
    <section className="panel log" data-open={open} aria-label={t("log.title")} data-testid="event-log">
      <button type="button" className="log-head" aria-expanded={open} title={t("log.toggle")} onClick={() => setOpen(!open)}>
        {t("log.title")}
        <b className="num">{entries.length}</b>
      </button>
      {open && (
        <ol role="log" aria-live="polite">
          {entries.map((entry) => (
            <Row key={entry.key} entry={entry} name={entry.vehicleId ? (names[entry.vehicleId] ?? entry.vehicleId) : ""} />
          ))}
          {!entries.length && <li className="hint">{t("log.empty")}</li>}
        </ol>
      )}
    </section>
  );
}

function Row({ entry, name }: { entry: LogEntry; name: string }) {
  const t = useT();
  const language = useLanguage();
  const { vehicleId } = entry;
  return (
    <li data-severity={entry.severity}>
      <time className="num">{formatTime(entry.at)}</time>
      {vehicleId && (
        <button type="button" className="log-who" onClick={() => selectVehicle(vehicleId)}>
          {name}
        </button>
      )}
      <span>{textOf(entry, t, language)}</span>
    </li>
  );
}

/** What the autopilot itself says stays as it is. */
const OWN_WORDS = "statustext";

/** An entry in the operator's words. */
export function textOf({ body }: LogEntry, t: Translate, language: Language): string {
  if (body.kind === "step") {
    const step = `${t(`state.${body.from}` satisfies Key)} → ${t(`state.${body.to}` satisfies Key)}`;
    return body.why ? `${step} · ${said(body.why, language)}` : step;
  }
  if (body.kind === "alarm") {
    const { kind, began_at, ended_at, text } = body.alarm;
    const lasted = formatDuration((Date.parse(ended_at ?? began_at) - Date.parse(began_at)) / 1000);
    return `${t("alarm.over", { kind: alarmText(kind, t), lasted })} · ${said(text, language)}`;
  }
  if (body.kind === "command") return commandText(body.command, t, language);
  const key = body.code.startsWith("failsafe-") ? "log.failsafe" : CODES[body.code];
  const text = body.code === OWN_WORDS ? body.text : said(body.text, language);
  return key ? `${t(key)} · ${text}` : text;
}
