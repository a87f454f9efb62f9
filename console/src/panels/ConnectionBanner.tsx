import { useEffect, useState } from "react";
import { useT } from "../i18n";
import type { Key } from "../i18n/messages";
import { LOST_S } from "../state/freshness";
import { link, live, outdated } from "../state/connection";
import { everyTick } from "../state/ticker";

interface Trouble {
  key: Key;
  age: string;
}

/** What is wrong with the connection now; null while data come. */
function trouble(nowMs: number): Trouble | null {
  const { frameAtMs } = live.get();
  const closed = link.get() === "closed";
  if (frameAtMs === null) return closed ? { key: "connection.never", age: "" } : null;
  const silentS = (nowMs - frameAtMs) / 1000;
  if (silentS < LOST_S && !closed) return null;
  return { key: link.get() === "open" ? "connection.silent" : "connection.lost", age: `${Math.floor(silentS)} s` };
}

/** Says at once, and says how old, when what the page shows is no longer now. */
export function ConnectionBanner() {
  const t = useT();
  const [now, setNow] = useState<Trouble | null>(null);
  useEffect(
    () =>
      everyTick((nowMs) => {
        const next = trouble(nowMs);
        outdated.set(next !== null);
        setNow((before) => (before?.key === next?.key && before?.age === next?.age ? before : next));
      }),
    [],
  );
  if (!now) return null;
  return (
    <div className="banner" role="alert" data-testid="connection-banner">
      {t(now.key, { age: now.age })}
    </div>
  );
}
