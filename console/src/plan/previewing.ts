/** Asks the service for a plan whenever the draft has come to rest or the airspace has changed, newest answer wins. */

import { api } from "../api/client";
import { Problem } from "../api/problem";
import { places } from "../state/places";
import { draft, featureOf, preview } from "./draft";

const REST_MS = 250;
/** A busy service is asked again, the last question of many goes through; so often, so much later. */
const RETRIES = 3;
const RETRY_MS = 2_000;

/** Keeps `preview` in step with `draft` until the returned function is called. */
export function keepPreview(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: AbortController | null = null;
  let asked = "";

  const ask = async (retries = RETRIES) => {
    const feature = featureOf(draft.get());
    if (!feature) return;
    const mine = new AbortController();
    running = mine;
    try {
      const plan = await api.preview(feature, mine.signal);
      if (running === mine) preview.set({ status: "planned", plan });
    } catch (reason) {
      if (running !== mine || !(reason instanceof Problem)) return;
      if (reason.slug === "overloaded" && retries > 0) {
        timer = setTimeout(() => void ask(retries - 1), RETRY_MS);
        return;
      }
      const errors = reason.document.errors;
      preview.set(errors ? { status: "invalid", errors } : { status: "failed", problem: reason });
    }
  };

  const follow = () => {
    const feature = featureOf(draft.get());
    // A new airspace is a new question.
    const wanted = feature ? JSON.stringify([feature, places.get().airspace?.version]) : "";
    if (wanted === asked) return;
    asked = wanted;
    clearTimeout(timer);
    running?.abort();
    running = null;
    if (!feature) return preview.set({ status: "none" });
    const before = preview.get();
    preview.set({ status: "loading", plan: "plan" in before ? before.plan : null });
    timer = setTimeout(() => void ask(), REST_MS);
  };

  const stops = [draft.subscribe(follow), places.subscribe(follow)];
  follow();
  return () => {
    for (const stop of stops) stop();
    clearTimeout(timer);
    running?.abort();
  };
}
