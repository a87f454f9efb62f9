/** Which command makes sense when, as telemetry/commands.py has it. The service decides; this only greys out. */

import type { CommandKind, SortieState, VehicleState } from "../api/model";

/** Those with a button; the others are planned first, or asked for elsewhere. */
export type Command = Extract<CommandKind, "hold" | "resume" | "return" | "land" | "abort">;
export const COMMANDS: readonly Command[] = ["hold", "resume", "return", "land"];

const LEGAL: Record<Command, ReadonlySet<SortieState>> = {
  hold: new Set(["taking_off", "on_mission", "diverted", "held", "returning", "landing"]),
  resume: new Set(["paused", "held"]),
  return: new Set(["taking_off", "on_mission", "diverted", "paused", "held"]),
  land: new Set(["taking_off", "on_mission", "diverted", "paused", "held", "returning"]),
  abort: new Set(["planned", "approved", "assigned", "preflight", "uploading", "ready"]),
};

/** A vehicle that is armed without a sortie of ours can still be stopped, called home or down. */
export function isLegal(kind: Command, state: SortieState | null, vehicle: VehicleState): boolean {
  if (state) return LEGAL[kind].has(state);
  return (kind === "hold" || kind === "return" || kind === "land") && vehicle.armed === true;
}
