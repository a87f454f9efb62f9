import { useEffect, useMemo, useRef } from "react";
import { formatTime } from "../geo/format";
import { useLanguage, useT } from "../i18n";
import { said as inWords } from "../i18n/phrases";
import { alarmText } from "../i18n/wording";
import { textOf } from "../panels/EventLog";
import type { LogEntry } from "../state/live";
import { picture } from "../state/picture";
import { shallow, useStore } from "../state/store";
import { inOrder, marksOf } from "./reel";
import { replaying, seek } from "./replaying";
import { useMoment } from "./useMoment";

/** What happened in the time of the recording, and what was said until the moment that is shown; a press leads there. */
export function ReplayLog() {
  const t = useT();
  const reel = useStore(replaying, (now) => now?.reel ?? null);
  const known = useMemo(() => (reel ? marksOf(reel) : []), [reel]);
  const said = useStore(picture, ({ log }) => log.filter(({ body }) => body.kind === "text" || body.kind === "command"), shallow);
  const marks = useMemo(() => inOrder([...known, ...said]), [known, said]);
  const ms = useMoment();
  const passed = marks.filter(({ at }) => Date.parse(at) <= ms).length;
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => void list.current?.children[Math.max(0, passed - 1)]?.scrollIntoView({ block: "nearest" }), [passed]);
  return (
    <section className="panel log replay-log" aria-label={t("replay.steps")} data-testid="replay-log">
      <h2 className="log-head">
        {t("replay.steps")}
        <b className="num">{marks.length}</b>
      </h2>
      <ol ref={list}>
        {marks.map((mark, index) => (
          <Row key={mark.key} mark={mark} when={index < passed - 1 ? "past" : index < passed ? "now" : "ahead"} />
        ))}
        {!marks.length && <li className="hint">{t("log.empty")}</li>}
      </ol>
    </section>
  );
}

function Row({ mark, when }: { mark: LogEntry; when: "past" | "now" | "ahead" }) {
  const t = useT();
  const language = useLanguage();
  const { at, vehicleId, severity, body } = mark;
  const names = useStore(picture, ({ vehicles }) => [vehicles.get(vehicleId ?? "")?.state.name ?? vehicleId ?? ""], shallow);
  const text = body.kind === "alarm" ? `${alarmText(body.alarm.kind, t)} · ${inWords(body.alarm.text, language)}` : textOf(mark, t, language);
  return (
    <li data-severity={severity} data-when={when}>
      <button type="button" title={t("replay.jump")} onClick={() => seek(Date.parse(at))}>
        <time className="num">{formatTime(at)}</time>
        <b>{names[0]}</b> <span>{text}</span>
      </button>
    </li>
  );
}
