import { useEffect, useState } from "react";
import { everyTick } from "../state/ticker";
import { momentMs } from "./reel";
import { replaying } from "./replaying";

/** The moment of the recording that is shown, five times a second; 0 when none is. */
export function useMoment(): number {
  const [ms, setMs] = useState(0);
  useEffect(() => {
    const follow = () => {
      const now = replaying.get();
      setMs(now ? momentMs(now.tape, now.reel, Date.now()) : 0);
    };
    const stops = [everyTick(follow), replaying.subscribe(follow)];
    return () => stops.forEach((stop) => stop());
  }, []);
  return ms;
}
