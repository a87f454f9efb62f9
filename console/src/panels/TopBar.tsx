import { useCallback } from "react";
import { formatTime } from "../geo/format";
import { setLanguage, useLanguage, useT } from "../i18n";
import { isAirborne } from "../i18n/wording";
import { LiveTrouble, ReplayFlag } from "../replay/ReplayFlag";
import { isPressing } from "../state/alarms";
import { link, live } from "../state/connection";
import type { Live } from "../state/live";
import { useReplaying } from "../state/picture";
import { shallow, useStore } from "../state/store";
import { alarmsWanted, openPage, view } from "../state/view";
import { Ticking } from "../ui/Ticking";

function count({ vehicles, alarms }: Live) {
  const all = [...vehicles.values()].map(({ state }) => state);
  return {
    total: all.length,
    flying: all.filter(isAirborne).length,
    ready: all.filter(({ ready }) => ready).length,
    alarms: alarms.size,
    pressing: [...alarms.values()].filter(isPressing).length,
  };
}

/** Name, what is shown (the fleet in three numbers, or when a recording was), what is wrong now, the language. */
export function TopBar() {
  const t = useT();
  const language = useLanguage();
  const isReplay = useReplaying();
  return (
    <header className="topbar">
      <img src="/egret.svg" alt="" width="28" height="28" />
      <h1>
        {t("app.name")}
        <small>{t("app.subtitle")}</small>
      </h1>
      {isReplay ? (
        <>
          <ReplayFlag />
          <LiveTrouble />
        </>
      ) : (
        <LiveBar />
      )}
      <button
        type="button"
        className="language"
        data-testid="language"
        onClick={() => setLanguage(language === "zh" ? "en" : "zh")}
      >
        {t("app.language")}
      </button>
    </header>
  );
}

function LiveBar() {
  const t = useT();
  const { total, flying, ready, alarms, pressing } = useStore(live, count, shallow);
  const connection = useStore(link, (now) => now);
  const page = useStore(view, (now) => now.page);
  const clock = useCallback((nowMs: number) => ({ text: formatTime(nowMs + live.get().offsetMs) }), []);
  return (
    <>
      <dl className="counts">
        <Count label={t("fleet.flying")} value={flying} tone={flying ? "active" : "idle"} />
        <Count label={t("fleet.ready")} value={ready} tone="idle" />
        <Count label={t("fleet.total")} value={total} tone="idle" />
      </dl>
      {alarms > 0 && (
        <button
          type="button"
          className="alarm-count"
          data-pressing={pressing > 0}
          data-testid="alarm-count"
          onClick={() => alarmsWanted.update((n) => n + 1)}
        >
          {t("alarm.title")}
          <b className="num">{alarms}</b>
          {pressing > 0 && <span>{t("alarm.pressing", { n: pressing })}</span>}
        </button>
      )}
      <span className="connection" data-state={connection} data-testid="connection">
        {t(connection === "open" ? "connection.open" : "connection.connecting")}
      </span>
      <Ticking className="clock num" read={clock} />
      <button
        type="button"
        className="language"
        aria-pressed={page === "forwarding"}
        data-testid="forwarding"
        onClick={() => openPage(page === "forwarding" ? "map" : "forwarding")}
      >
        {t("forward.title")}
      </button>
    </>
  );
}

function Count({ label, value, tone }: { label: string; value: number; tone: string }) {
  return (
    <div data-tone={tone}>
      <dt>{label}</dt>
      <dd className="num">{value}</dd>
    </div>
  );
}
