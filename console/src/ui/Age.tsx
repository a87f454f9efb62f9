import { useCallback } from "react";
import { formatAge, formatDuration } from "../geo/format";
import { live } from "../state/connection";
import { freshness, positionAgeS } from "../state/freshness";
import { picture, pictureMs } from "../state/picture";
import { Ticking } from "./Ticking";

/** How old a vehicle's last position is; goes on counting when nothing comes any more. */
export function VehicleAge({ id }: { id: string }) {
  const read = useCallback(
    (nowMs: number) => {
      const seen = picture.get().vehicles.get(id);
      const age = seen ? positionAgeS(seen, pictureMs(nowMs)) : null;
      return { text: formatAge(age), level: freshness(age) };
    },
    [id],
  );
  return <Ticking className="age" data-testid={`vehicle-age-${id}`} read={read} />;
}

/** Time between two instants of the server's clock; to now while it has not ended. */
export function Elapsed({ from, to }: { from: string | null; to: string | null }) {
  const read = useCallback(
    (nowMs: number) => {
      if (!from) return { text: "–" };
      const end = to ? Date.parse(to) : nowMs + live.get().offsetMs;
      return { text: formatDuration((end - Date.parse(from)) / 1000) };
    },
    [from, to],
  );
  return <Ticking read={read} />;
}
