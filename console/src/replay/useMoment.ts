import { useEffect, useState } from "react";
import { everyTick } from "../state/ticker";
import { momentMs } from "./reel";
import { replaying } from "./replaying";

/** What `read` says of the moment that is shown (0: no recording is), asked five times a second; renders when that changes. */
export function useMoment<T = number>(read: (ms: number) => T = asIs): T {
  const [now, setNow] = useState(() => read(shownMs()));
  useEffect(() => {
    const follow = () => setNow(read(shownMs()));
    const stops = [everyTick(follow), replaying.subscribe(follow)];
    return () => stops.forEach((stop) => stop());
  }, [read]);
  return now;
}

const asIs = <T>(ms: number): T => ms as T;

function shownMs(): number {
  const now = replaying.get();
  return now ? momentMs(now.tape, now.reel, Date.now()) : 0;
}
