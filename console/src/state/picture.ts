/** What the map and the lists show: the live picture, or in its place a moment of a recording. */

import { live } from "./connection";
import type { Live } from "./live";
import { createStore, type Readable, useStore } from "./store";

/** The moment of a recording that is shown, its times those of the recording; null: the page is live. */
export const replayed = createStore<Live | null>(null);

export const isReplaying = (): boolean => replayed.get() !== null;

export const useReplaying = (): boolean => useStore(replayed, (now) => now !== null);

export const picture: Readable<Live> = {
  get: () => replayed.get() ?? live.get(),
  subscribe(listener) {
    const stops = [replayed.subscribe(listener), live.subscribe(() => !isReplaying() && listener())];
    return () => stops.forEach((stop) => stop());
  },
};

/** The picture's own time at `pageMs` on the clock of this page. A recording stands still between two of its frames. */
export function pictureMs(pageMs: number): number {
  return replayed.get()?.frameAtMs ?? pageMs;
}
