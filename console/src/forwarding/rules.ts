/** The forwarding rules and how their targets do, asked for while they are looked at. */

import { api } from "../api/client";
import type { ForwardingRule } from "../api/model";
import { Problem } from "../api/problem";
import { createStore } from "../state/store";
import { askedOf, type RuleForm } from "./form";

export interface Rules {
  /** In the order of their making; null: not heard yet. */
  all: readonly ForwardingRule[] | null;
  /** Why the last question was not answered: what is shown is old. */
  problem: Problem | null;
}

export const rules = createStore<Rules>({ all: null, problem: null });

const ASK_MS = 2_000;

async function load(): Promise<void> {
  try {
    rules.set({ all: await api.forwarding(), problem: null });
  } catch (reason) {
    if (!(reason instanceof Problem)) throw reason;
    rules.update((now) => ({ ...now, problem: reason }));
  }
}

/** Asks at once and every two seconds until the returned function is called. */
export function keepRules(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const ask = async () => {
    await load();
    if (!stopped) timer = setTimeout(() => void ask(), ASK_MS);
  };
  void ask();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Makes the rule, or changes the one that the form was made of, on top of the revision that it showed. Rejects with a `Problem`. */
export async function saveRule(form: RuleForm, base: ForwardingRule | null): Promise<void> {
  const asked = askedOf(form);
  if (base) await api.changeForwarding(base.id, base.revision, asked);
  else await api.addForwarding({ ...asked, paused: false });
  await load();
}

export async function pauseRule({ id, revision, paused }: ForwardingRule): Promise<void> {
  await api.changeForwarding(id, revision, { paused: !paused });
  await load();
}

export async function removeRule({ id }: ForwardingRule): Promise<void> {
  await api.removeForwarding(id);
  await load();
}
