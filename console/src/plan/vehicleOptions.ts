import type { Translate } from "../i18n";
import type { Candidate } from "./vehicles";

/** Candidates as choices: name, charge and, when it cannot go, why. */
export function vehicleOptions(all: readonly Candidate[], t: Translate) {
  return all.map(({ id, name, batteryPct, ready, standing }) => ({
    value: id,
    disabled: !ready,
    label: `${name} · ${batteryPct ?? "–"}% · ${t(standing)}`,
  }));
}
