/** Open alarms in the order in which a dispatcher must look at them. */

import type { Alarm } from "../api/model";
import type { Severity } from "../api/stream";

const RANK: Record<Severity, number> = { critical: 2, warning: 1, info: 0 };

/** The gravest first, among equals the newest. */
export function ordered(alarms: Iterable<Alarm>): Alarm[] {
  const later = (a: Alarm, b: Alarm) => Date.parse(b.began_at) - Date.parse(a.began_at);
  return [...alarms].sort((a, b) => RANK[b.severity] - RANK[a.severity] || later(a, b));
}

/** A critical alarm of which nobody has taken note. */
export const isPressing = ({ severity, acknowledged_at }: Alarm): boolean => severity === "critical" && acknowledged_at === null;

export interface Worst {
  severity: Severity;
  pressing: boolean;
}

/** The gravest open alarm of each vehicle, by its id. */
export function worstByVehicle(alarms: Iterable<Alarm>): Map<string, Worst> {
  const worst = new Map<string, Worst>();
  for (const alarm of ordered(alarms)) {
    const known = worst.get(alarm.vehicle_id);
    const pressing = isPressing(alarm) || (known?.pressing ?? false);
    worst.set(alarm.vehicle_id, { severity: known?.severity ?? alarm.severity, pressing });
  }
  return worst;
}
