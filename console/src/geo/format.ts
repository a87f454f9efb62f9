/** Quantities as people read them. */

const MISSING = "–";

/** 0.94 km is said as 940 m; from 1 km on, kilometres with two decimals, from 100 km on with none. */
export function formatLength(meters: number | null): string {
  if (meters === null || !Number.isFinite(meters)) return MISSING;
  if (meters < 999.5) return `${Math.round(meters)} m`;
  return `${(meters / 1000).toFixed(meters < 99_995 ? 2 : 0)} km`;
}

/** A distance to something dangerous: to the decimetre while it is small. */
export function formatGap(meters: number): string {
  return Math.abs(meters) < 100 ? `${meters.toFixed(1)} m` : formatLength(meters);
}

/** 75 → 1:15, 3 661 → 1:01:01. Negative durations are clock skew and read as zero. */
export function formatDuration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return MISSING;
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const pad = (value: number) => String(value).padStart(2, "0");
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/** An age: tenths while it is fresh, then whole seconds, minutes, hours. */
export function formatAge(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return MISSING;
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

export function formatNumber(value: number | null, digits = 0): string {
  return value === null || !Number.isFinite(value) ? MISSING : value.toFixed(digits);
}

/** Time of day on the operator's clock; `at` is RFC 3339. */
export function formatTime(at: string | number): string {
  return new Date(at).toLocaleTimeString("zh-CN", { hour12: false });
}

/** A sentence of the service, which says times of day in UTC, with those of the operator's clock: the page has only one. */
export function onOurClock(text: string): string {
  const today = new Date().toISOString().slice(0, 10);
  const ours = (time: string) => formatTime(`${today}T${time}Z`);
  return text.replace(/(?:(\d\d:\d\d:\d\d) and )?(\d\d:\d\d:\d\d) UTC/g, (_, from: string | undefined, at: string) =>
    from ? `${ours(from)} and ${ours(at)}` : ours(at),
  );
}

/** Day and time to the second, for a moment that may be long ago. */
export function formatStamp(at: string | number): string {
  return new Date(at).toLocaleString("sv-SE");
}

export function formatDateTime(at: string): string {
  return new Date(at).toLocaleString("zh-CN", { hour12: false, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
}

/** A size on the disk, in binary units. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [kib, mib, gib] = [bytes / 1024, bytes / 1024 ** 2, bytes / 1024 ** 3];
  if (gib >= 1) return `${formatNumber(gib, gib < 10 ? 1 : 0)} GiB`;
  return mib >= 1 ? `${formatNumber(mib, mib < 10 ? 1 : 0)} MiB` : `${formatNumber(kib)} KiB`;
}

/** A count that may be large, its thousands apart. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US").replaceAll(",", "\u202f");
}
