/** Which command makes sense when, as telemetry/commands.py has it. The service decides; this only greys out. */

import type { CommandKind, SortieState, VehicleState } from "../api/model";

export const COMMANDS: readonly CommandKind[] = ["pause", "resume", "return", "land"];

const LEGAL: Record<CommandKind, ReadonlySet<SortieState>> = {
  pause: new Set(["taking_off", "on_mission", "returning"]),
  resume: new Set(["paused"]),
  return: new Set(["taking_off", "on_mission", "paused"]),
  land: new Set(["taking_off", "on_mission", "paused", "returning"]),
};

/** A vehicle that is armed without a sortie of ours can still be called home or down. */
export function isLegal(kind: CommandKind, state: SortieState | null, vehicle: VehicleState): boolean {
  if (state) return LEGAL[kind].has(state);
  return (kind === "return" || kind === "land") && vehicle.armed === true;
}
