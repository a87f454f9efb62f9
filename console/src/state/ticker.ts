/** One timer for everything on the page that ages. */

const listeners = new Set<(nowMs: number) => void>();
const PERIOD_MS = 200;
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls `listener` now and five times a second until the returned function is called. */
export function everyTick(listener: (nowMs: number) => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    const now = Date.now();
    for (const each of listeners) each(now);
  }, PERIOD_MS);
  listener(Date.now());
  return () => {
    listeners.delete(listener);
    if (listeners.size) return;
    clearInterval(timer);
    timer = undefined;
  };
}
