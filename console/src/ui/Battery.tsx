import { formatNumber } from "../geo/format";

const LOW_PCT = 30;
const CRITICAL_PCT = 15;

function level(pct: number | null): string {
  if (pct === null) return "none";
  if (pct < CRITICAL_PCT) return "bad";
  return pct < LOW_PCT ? "warn" : "good";
}

/** A charge as a bar and a number. */
export function Battery({ pct, label }: { pct: number | null; label: string }) {
  return (
    <span className="battery" data-level={level(pct)} title={label}>
      <span className="battery-bar" aria-hidden="true">
        <i style={{ width: `${Math.min(100, Math.max(0, pct ?? 0))}%` }} />
      </span>
      <span className="num">{pct === null ? "–" : `${formatNumber(pct)}%`}</span>
    </span>
  );
}
