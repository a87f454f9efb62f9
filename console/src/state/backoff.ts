/** How long to wait before the next attempt to connect. */

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** Anywhere up to a limit that doubles, so that many consoles don't return in step. `random`: [0, 1). */
export function waitMs(attempt: number, random: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt) * (0.2 + 0.8 * random);
}
