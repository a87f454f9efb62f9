import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../src/api/problem";
import { keepAsking } from "../src/state/asking";
import { createStore } from "../src/state/store";

const problem = (slug: string) => new Problem({ type: `urn:bailu:problem:${slug}`, title: slug, detail: "" });

function asking(answer: (question: string) => Promise<string>) {
  const wanted = createStore<string | null>(null);
  const told: string[] = [];
  const asked: string[] = [];
  const stop = keepAsking(
    {
      question: wanted.get,
      reads: (question) => question,
      ask: (question: string) => {
        asked.push(question);
        return answer(question);
      },
      none: () => told.push("none"),
      waiting: () => told.push("waiting"),
      answered: (found) => told.push(found),
      refused: ({ slug }) => told.push(slug),
    },
    [wanted],
  );
  return { wanted, told, asked, stop };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("a question", () => {
  it("is asked once it has come to rest", async () => {
    const it = asking((question) => Promise.resolve(question.toUpperCase()));
    for (const next of ["a", "ab", "abc"]) it.wanted.set(next);
    await vi.advanceTimersByTimeAsync(300);
    expect([it.asked, it.told.at(-1)]).toEqual([["abc"], "ABC"]);
    it.wanted.set(null);
    expect(it.told.at(-1)).toBe("none");
  });
  it("is not answered by what an older one brings late", async () => {
    const it = asking((question) => new Promise((done) => setTimeout(() => done(question), question === "slow" ? 5_000 : 100)));
    it.wanted.set("slow");
    await vi.advanceTimersByTimeAsync(300);
    it.wanted.set("quick");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(it.told.filter((each) => each !== "waiting")).toEqual(["quick"]);
  });
  it("is asked again of a busy service, a few times", async () => {
    let busy = 2;
    const it = asking((question) => (busy-- > 0 ? Promise.reject(problem("overloaded")) : Promise.resolve(question)));
    it.wanted.set("a");
    await vi.advanceTimersByTimeAsync(5_000);
    expect([it.asked.length, it.told.at(-1)]).toEqual([3, "a"]);
    const never = asking(() => Promise.reject(problem("overloaded")));
    never.wanted.set("a");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([never.asked.length, never.told.at(-1)]).toEqual([4, "overloaded"]);
  });
  it("is dropped with its keeper", async () => {
    const it = asking((question) => Promise.resolve(question));
    it.wanted.set("a");
    it.stop();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(it.asked).toEqual([]);
  });
});
