/** Asks the service a question whenever it has come to rest at something new; the newest answer wins. */

import { Problem } from "../api/problem";

const REST_MS = 250;
/** A busy service is asked again, the last question of many goes through; so often, so much later. */
const RETRIES = 3;
const RETRY_MS = 2_000;

export interface Asking<Q, A> {
  /** What is asked now; null: nothing. */
  question: () => Q | null;
  /** Questions that read the same are not asked twice. */
  reads: (question: Q) => string;
  ask: (question: Q, signal: AbortSignal) => Promise<A>;
  none: () => void;
  waiting: () => void;
  answered: (answer: A) => void;
  refused: (problem: Problem) => void;
}

interface Watched {
  subscribe: (listener: () => void) => () => void;
}

/** Keeps asking while any of `watched` changes, until the returned function is called. */
export function keepAsking<Q, A>(it: Asking<Q, A>, watched: readonly Watched[]): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: AbortController | null = null;
  let asked = "";

  const ask = async (retries = RETRIES) => {
    const question = it.question();
    if (question === null) return;
    const mine = new AbortController();
    running = mine;
    try {
      const answer = await it.ask(question, mine.signal);
      if (running === mine) it.answered(answer);
    } catch (reason) {
      if (running !== mine || !(reason instanceof Problem)) return;
      if (reason.slug === "overloaded" && retries > 0) timer = setTimeout(() => void ask(retries - 1), RETRY_MS);
      else it.refused(reason);
    }
  };

  const follow = () => {
    const question = it.question();
    const wanted = question === null ? "" : it.reads(question);
    if (wanted === asked) return;
    asked = wanted;
    clearTimeout(timer);
    running?.abort();
    running = null;
    if (question === null) return it.none();
    it.waiting();
    timer = setTimeout(() => void ask(), REST_MS);
  };

  const stops = watched.map((store) => store.subscribe(follow));
  follow();
  return () => {
    for (const stop of stops) stop();
    clearTimeout(timer);
    running?.abort();
  };
}
