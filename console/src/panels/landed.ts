import type { Landed } from "../api/model";
import type { Key } from "../i18n/messages";

const KEYS: Record<Landed, Key> = {
  unknown: "vehicle.unknown",
  on_ground: "vehicle.ground",
  taking_off: "vehicle.takingOff",
  in_air: "vehicle.air",
  landing: "vehicle.landingNow",
};

export const landedKey = (landed: Landed): Key => KEYS[landed];
