import { useStore } from "../state/store";
import { replaying } from "./replaying";

/** What `read` says of the moment that is shown (0: no recording is); renders when that changes. */
export function useMoment<T = number>(read: (ms: number) => T = asIs): T {
  return useStore(replaying, (now) => read(now?.tape.atMs ?? 0));
}

const asIs = <T>(ms: number): T => ms as T;
