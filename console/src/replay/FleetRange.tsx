import { Button } from "antd";
import { useState } from "react";
import { useT } from "../i18n";
import { Problem } from "../api/problem";
import { Field } from "../plan/Field";
import { DateTime } from "../ui/DateTime";
import { ProblemNote } from "../ui/ProblemNote";
import { playFleet } from "./replaying";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** A time of the whole fleet, to be played: by default the hour that ends now. */
export function FleetRange() {
  const t = useT();
  const [[from, to], setRange] = useState<readonly [string | null, string | null]>(lastHour);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const play = async () => {
    if (!from || !to) return;
    setBusy(true);
    setProblem(null);
    try {
      await playFleet(from, to);
    } catch (reason) {
      if (!(reason instanceof Problem)) throw reason;
      setProblem(reason);
    } finally {
      setBusy(false);
    }
  };
  return (
    <details className="more range" data-testid="fleet-range" onToggle={({ currentTarget }) => currentTarget.open && setRange(lastHour())}>
      <summary>{t("replay.fleet")}</summary>
      <div className="fields">
        <Field label={t("replay.from")} reason={null} wide>
          <DateTime value={from} onChange={(at) => setRange([at, to])} label={t("replay.from")} testid="replay-from" />
        </Field>
        <Field label={t("replay.to")} reason={null} wide>
          <DateTime value={to} onChange={(at) => setRange([from, at])} label={t("replay.to")} testid="replay-to" />
        </Field>
      </div>
      <p className="hint">{t("replay.fleetHint")}</p>
      {problem && <ProblemNote problem={problem.document} />}
      <Button block loading={busy} disabled={!from || !to} data-testid="replay-fleet" onClick={() => void play()}>
        {t("replay.start")}
      </Button>
    </details>
  );
}

/** Whole minutes, as the fields have them; the one that has begun counts. */
function lastHour(nowMs = Date.now()): readonly [string, string] {
  const end = Math.ceil(nowMs / MINUTE_MS) * MINUTE_MS;
  return [new Date(end - HOUR_MS).toISOString(), new Date(end).toISOString()];
}
