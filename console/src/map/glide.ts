/** Moves a marker smoothly between two reports of where it is. Pure; times are milliseconds. */

import { turn } from "../geo/geo";

export interface Pose {
  lon: number;
  lat: number;
  heading: number;
}

export interface Glide {
  from: Pose;
  to: Pose;
  startMs: number;
}

/** A little more than a tick, so that the next report comes before the marker stops. */
export const GLIDE_MS = 240;
/** Farther than this in one tick (degrees, ≈ 500 m) is a correction, not a flight. */
const JUMP_DEG = 0.005;

export const rest = (at: Pose): Glide => ({ from: at, to: at, startMs: 0 });

export function poseAt({ from, to, startMs }: Glide, nowMs: number): Pose {
  const share = Math.min(1, Math.max(0, (nowMs - startMs) / GLIDE_MS));
  return {
    lon: from.lon + (to.lon - from.lon) * share,
    lat: from.lat + (to.lat - from.lat) * share,
    heading: from.heading + turn(from.heading, to.heading) * share,
  };
}

/** The glide from where the marker is now to where it is said to be. */
export function glideTo(now: Glide, to: Pose, nowMs: number): Glide {
  const same = now.to.lon === to.lon && now.to.lat === to.lat && now.to.heading === to.heading;
  if (same) return now;
  const from = poseAt(now, nowMs);
  const jump = Math.abs(from.lon - to.lon) > JUMP_DEG || Math.abs(from.lat - to.lat) > JUMP_DEG;
  return jump ? rest(to) : { from, to, startMs: nowMs };
}

export const isMoving = ({ startMs }: Glide, nowMs: number): boolean => nowMs - startMs < GLIDE_MS;
