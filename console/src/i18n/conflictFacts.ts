/** The numbers of a conflict in the operator's words, read out of the service's sentence about it. */

import { onOurClock } from "../geo/format";
import type { Translate } from "./index";
import type { Key } from "./messages";

/** Sentences of geofence/evaluate.py, missions/planner.py, missions/prove and api/intents.py; named groups are the values of the text. */
const SENTENCES: readonly (readonly [RegExp, Key])[] = [
  [/comes within (?<gap>[\d.]+) m of .*; the margin is (?<margin>[\d.]+) m\./, "conflict.gap"],
  [/it must stay (?<margin>[\d.]+) m (?:inside|away)\./, "conflict.margin"],
  [/with (?<spare>[\d.]+) m of margin; the limit is (?<limit>[\d.]+) m .*, so at most (?<most>-?[\d.]+) m above home\./, "conflict.highest"],
  [/^(?<given>[\d.]+) m above home is below the floor of .*: (?<least>-?[\d.]+) m above home\./, "conflict.lowest"],
  [/with a reserve of (?<reserve>[\d.]+)% that is (?<pct>[\d.]+) %/, "conflict.charge"],
  [/needs at least (?<least>\d+) waypoints; a plan has at most (?<most>\d+)\./, "conflict.count"],
  [/ flies: (?<most>[\d.]+) m\/s\./, "conflict.fastest"],
  [/ with (?<need>[\d.]+) m of room; the narrowest place leaves (?<left>-?[\d.]+) m\./, "conflict.room"],
  [/the narrowest place leaves (?<left>-?[\d.]+) m\./, "conflict.narrowest"],
  [/remembers about (?<most>\d+) corners; this path has (?<has>\d+)\./, "conflict.remembers"],
  [/^(?<n>\d+) pictures would be taken within /, "conflict.pictures"],
  [
    /^Between (?<from>\S+) and (?<until>\S+) the flight may come within (?<gap>[\d.]+) m of (?<other>.*), [\d.]+ m above or below it .* needs (?<need>[\d.]+) m or /,
    "conflict.meets",
  ],
];

const MORE = /\(and (?<more>\d+) more\)/;
const FIGURE = /-?\d+(?:\.\d+)?\s?(?:km|m\/s|m|%|Wh|s|min)(?![\w/])/g;

/** A sentence that is not known by its form is reduced to its quantities; one without any gives "". */
export function conflictFacts(told: string, t: Translate): string {
  const detail = onOurClock(told);
  const more = MORE.exec(detail)?.groups;
  const rest = more ? t("conflict.more", more) : "";
  for (const [form, key] of SENTENCES) {
    const found = form.exec(detail)?.groups;
    if (found) return t(key, found) + rest;
  }
  return (detail.match(FIGURE) ?? []).join(" / ") + rest;
}
