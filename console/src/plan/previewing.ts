/** Keeps the plan of the draft: asked for whenever the draft has come to rest or the airspace has changed. */

import { api } from "../api/client";
import { keepAsking } from "../state/asking";
import { places } from "../state/places";
import { draft, featureOf, preview } from "./draft";

/** Keeps `preview` in step with `draft` until the returned function is called. */
export function keepPreview(): () => void {
  return keepAsking(
    {
      question: () => featureOf(draft.get()),
      // A new airspace is a new question.
      reads: (feature) => JSON.stringify([feature, places.get().airspace?.version]),
      ask: api.preview,
      none: () => preview.set({ status: "none" }),
      waiting: () => preview.update((before) => ({ status: "loading", plan: "plan" in before ? before.plan : null })),
      answered: (plan) => preview.set({ status: "planned", plan }),
      refused: (problem) => {
        const { errors } = problem.document;
        preview.set(errors ? { status: "invalid", errors } : { status: "failed", problem });
      },
    },
    [draft, places],
  );
}
