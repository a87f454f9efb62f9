/** Which command makes sense when, as telemetry/commands.py has it. The service decides; this only greys out. */

import type { CommandKind, SortieState, VehicleState } from "../api/model";

/** Those with a button; the others are planned first, or asked for elsewhere. */
export type Command = Extract<CommandKind, "pause" | "resume" | "return" | "land">;
export const COMMANDS: readonly Command[] = ["pause", "resume", "return", "land"];

const LEGAL: Record<Command, ReadonlySet<SortieState>> = {
  pause: new Set(["taking_off", "on_mission", "diverted", "returning"]),
  resume: new Set(["paused", "held"]),
  return: new Set(["taking_off", "on_mission", "diverted", "paused", "held"]),
  land: new Set(["taking_off", "on_mission", "diverted", "paused", "held", "returning"]),
};

/** A vehicle that is armed without a sortie of ours can still be called home or down. */
export function isLegal(kind: Command, state: SortieState | null, vehicle: VehicleState): boolean {
  if (state) return LEGAL[kind].has(state);
  return (kind === "return" || kind === "land") && vehicle.armed === true;
}
