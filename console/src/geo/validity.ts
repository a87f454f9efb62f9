/** When a zone counts, as the service reads it (geofence/window.py); here only for drawing. */

import type { Validity } from "../api/model";

const DAY_MIN = 24 * 60;
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];

/** Whether a zone with this validity counts at `atMs`. Periods are local hours; one that ends before it starts runs past midnight. */
export function countsAt({ effective_at, ends_at, periods, time_zone }: Validity, atMs: number): boolean {
  if (effective_at && atMs < Date.parse(effective_at)) return false;
  if (ends_at && atMs > Date.parse(ends_at)) return false;
  if (!periods?.length) return true;
  const { day, minute } = localTime(atMs, time_zone);
  return periods.some(({ start, end, days = EVERY_DAY }) => {
    const [from, until] = [minutesOf(start), minutesOf(end)];
    const length = until > from ? until - from : until + DAY_MIN - from;
    // A period that began yesterday may still run.
    return [0, 1].some((ago) => {
      const since = minute + ago * DAY_MIN - from;
      return days.includes(((day - ago + 6) % 7) + 1) && since >= 0 && since <= length;
    });
  });
}

/** ISO weekday (1 Monday … 7 Sunday) and minutes since midnight in a time zone. */
function localTime(atMs: number, timeZone: string): { day: number; minute: number } {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const found = Object.fromEntries(parts.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(found.weekday ?? "") + 1;
  return { day, minute: Number(found.hour) * 60 + Number(found.minute) };
}

function minutesOf(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(":").map(Number);
  return hours * 60 + minutes;
}
