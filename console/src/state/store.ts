/** A value outside React that components and the map both watch. */

import { useRef, useSyncExternalStore } from "react";

export interface Readable<T> {
  get(): T;
  subscribe(listener: () => void): () => void;
}

export interface Store<T> extends Readable<T> {
  set(next: T): void;
  update(change: (now: T) => T): void;
}

export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  const set = (next: T) => {
    if (Object.is(next, value)) return;
    value = next;
    for (const listener of listeners) listener();
  };
  return {
    get: () => value,
    set,
    update: (change) => set(change(value)),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What `select` makes of the store; the component renders again only when that changes by `same`. */
export function useStore<T, S>(store: Readable<T>, select: (value: T) => S, same: (a: S, b: S) => boolean = Object.is): S {
  const last = useRef<{ value: S } | null>(null);
  const snapshot = () => {
    const next = select(store.get());
    if (!last.current || !same(last.current.value, next)) last.current = { value: next };
    return last.current.value;
  };
  return useSyncExternalStore(store.subscribe, snapshot);
}

/** Equality of flat objects and arrays, member by member. */
export function shallow<S extends object>(a: S, b: S): boolean {
  const keys = Object.keys(a) as (keyof S)[];
  return keys.length === Object.keys(b).length && keys.every((key) => Object.is(a[key], b[key]));
}
