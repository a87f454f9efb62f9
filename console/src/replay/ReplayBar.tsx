import { CaretRightOutlined, PauseOutlined, RedoOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { type CSSProperties, memo, useEffect, useRef } from "react";
import { formatDuration, formatStamp, formatTime } from "../geo/format";
import { useT } from "../i18n";
import { useStore } from "../state/store";
import { useProblems } from "../ui/useProblems";
import { marksOf, type Reel, SPEEDS } from "./reel";
import { backToLive, playOn, type Replaying, replaying, seek, setSpeed, toggle } from "./replaying";
import { useMoment } from "./useMoment";

/** Where the recording is, and how it goes on: slider, play, speed, and the way back. */
export function ReplayBar() {
  const now = useStore(replaying, (value) => value);
  return now && <Bar now={now} />;
}

function Bar({ now }: { now: Replaying }) {
  const t = useT();
  const { reel, tape, link, gone } = now;
  const ms = useMoment();
  const isOver = ms >= reel.toMs;
  const isPlaying = tape.playing && !isOver && !gone;
  const says = t(isOver ? "replay.again" : isPlaying ? "replay.pause" : "replay.play");
  useKeys();
  return (
    <section className="panel replay-bar" aria-label={t("replay.title")} data-testid="replay-bar" data-playing={isPlaying}>
      {gone && <Gone />}
      <Slider reel={reel} ms={ms} />
      <div className="replay-acts">
        <Button
          type="primary"
          icon={isOver ? <RedoOutlined /> : isPlaying ? <PauseOutlined /> : <CaretRightOutlined />}
          aria-label={says}
          title={`${says} (Space)`}
          disabled={gone}
          data-testid="replay-play"
          onClick={toggle}
        />
        <span className="replay-time num">
          {formatDuration((ms - reel.fromMs) / 1000)}
          <small> / {formatDuration((reel.toMs - reel.fromMs) / 1000)}</small>
        </span>
        {link !== "open" && !gone && <small className="hint">{t("replay.waiting")}</small>}
        <div className="replay-speeds" role="group" aria-label={t("replay.speed")}>
          {SPEEDS.map((speed) => (
            <button
              key={speed}
              type="button"
              className="num"
              aria-pressed={tape.speed === speed}
              disabled={gone}
              data-testid={`replay-speed-${speed}`}
              onClick={() => setSpeed(speed)}
            >
              {speed}×
            </button>
          ))}
        </div>
        <Button className="replay-back" title={`${t("replay.back")} (Esc)`} data-testid="replay-back" onClick={backToLive}>
          {t("replay.back")}
        </Button>
      </div>
    </section>
  );
}

/** Arrow keys move it by a second, page keys by more; what happened is marked below. */
function Slider({ reel, ms }: { reel: Reel; ms: number }) {
  const t = useT();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => void input.current?.focus(), []);
  const { fromMs, toMs } = reel;
  return (
    <div className="replay-slider">
      <time className="num">{formatTime(fromMs)}</time>
      <div>
        <input
          ref={input}
          type="range"
          min={fromMs}
          max={toMs}
          step={1000}
          value={ms}
          style={{ "--done": share(reel, ms) } as CSSProperties}
          aria-label={t("replay.seek")}
          aria-valuetext={formatStamp(ms)}
          data-testid="replay-seek"
          onChange={({ target }) => seek(target.valueAsNumber)}
        />
        <Marks reel={reel} />
      </div>
      <time className="num">{formatTime(toMs)}</time>
    </div>
  );
}

const share = ({ fromMs, toMs }: Reel, ms: number) => `${(100 * (ms - fromMs)) / Math.max(1, toMs - fromMs)}%`;

const Marks = memo(function Marks({ reel }: { reel: Reel }) {
  return (
    <span className="replay-marks" aria-hidden="true">
      {marksOf(reel).map(({ key, at, severity }) => (
        <i key={key} data-severity={severity} style={{ left: share(reel, Date.parse(at)) }} />
      ))}
    </span>
  );
});

function Gone() {
  const t = useT();
  const run = useProblems();
  return (
    <p className="note replay-gone" data-tone="warn" role="alert">
      <span>{t("replay.gone")}</span>
      <Button size="small" data-testid="replay-on" onClick={() => run(playOn)}>
        {t("replay.on")}
      </Button>
    </p>
  );
}

const OWN_SPACE = "button, a, select, textarea, summary, input:not([type=range])";

/** Space plays and pauses unless it is somebody else's; Escape leads back to what is live. */
function useKeys(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const { key, target, defaultPrevented } = event;
      if (defaultPrevented) return;
      if (key === "Escape") return backToLive();
      if (key !== " " || (target instanceof Element && target.matches(OWN_SPACE))) return;
      event.preventDefault();
      toggle();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}
