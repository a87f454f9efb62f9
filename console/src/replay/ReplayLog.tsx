import { memo, useCallback, useEffect, useMemo, useRef } from "react";
import { formatTime } from "../geo/format";
import { useLanguage, useT } from "../i18n";
import { said } from "../i18n/phrases";
import { alarmText } from "../i18n/wording";
import { textOf } from "../panels/EventLog";
import type { Live, LogEntry } from "../state/live";
import { picture } from "../state/picture";
import { shallow, useStore } from "../state/store";
import { inOrder, marksOf } from "./reel";
import { replaying, seek } from "./replaying";
import { useMoment } from "./useMoment";

const names = ({ vehicles }: Live) => Object.fromEntries([...vehicles].map(([id, { state }]) => [id, state.name]));
/** What is only known once it is told: the words of autopilots, and what became of commands. */
const told = ({ log }: Live) => log.filter(({ body }) => body.kind === "text" || body.kind === "command");

/** What happened in the time of the recording, and what was told until the moment that is shown; a press leads there. */
export function ReplayLog() {
  const t = useT();
  const reel = useStore(replaying, (now) => now?.reel ?? null);
  const known = useMemo(() => (reel ? marksOf(reel) : []), [reel]);
  const besides = useStore(picture, told, shallow);
  const called = useStore(picture, names, shallow);
  const marks = useMemo(() => inOrder([...known, ...besides]), [known, besides]);
  const passed = useMoment(useCallback((ms: number) => marks.filter(({ at }) => Date.parse(at) <= ms).length, [marks]));
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
          <Row
            key={mark.key}
            mark={mark}
            name={called[mark.vehicleId ?? ""] ?? mark.vehicleId ?? ""}
            when={index < passed - 1 ? "past" : index < passed ? "now" : "ahead"}
          />
        ))}
        {!marks.length && <li className="hint">{t("log.empty")}</li>}
      </ol>
    </section>
  );
}

interface RowProps {
  mark: LogEntry;
  name: string;
  when: "past" | "now" | "ahead";
}

const Row = memo(function Row({ mark, name, when }: RowProps) {
  const t = useT();
  const language = useLanguage();
  const { at, severity, body } = mark;
  const text = body.kind === "alarm" ? `${alarmText(body.alarm.kind, t)} · ${said(body.alarm.text, language)}` : textOf(mark, t, language);
  return (
    <li data-severity={severity} data-when={when}>
      <button type="button" title={t("replay.jump")} onClick={() => seek(Date.parse(at))}>
        <time className="num">{formatTime(at)}</time>
        <b>{name}</b> <span>{text}</span>
      </button>
    </li>
  );
});
