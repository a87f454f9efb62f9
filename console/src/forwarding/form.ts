/** A forwarding rule as a form: what is typed, and what is asked of the service. */

import type { Polygon } from "geojson";
import type { ForwardingChange, ForwardingFilter, ForwardingIn, ForwardingRule, ForwardingTarget } from "../api/model";

export type What = ForwardingRule["what"][number];
export type Kind = ForwardingTarget["kind"];
export type Severity = ForwardingRule["filter"]["severities"][number];
export const WHATS: readonly What[] = ["telemetry", "events", "alarms", "sorties", "commands", "traffic"];
export const KINDS: readonly Kind[] = ["http", "mqtt", "websocket"];
export const SEVERITIES: readonly Severity[] = ["info", "warning", "critical"];

export const SECRETS = { http: ["token", "signing_key"], mqtt: ["password"], websocket: ["token"] } as const;
export type Secret = (typeof SECRETS)[Kind][number];

export interface RuleForm {
  name: string;
  what: readonly What[];
  kind: Kind;
  url: string;
  confirm: "ack" | "pong";
  version: "5" | "3.1.1";
  stateTopic: string;
  eventTopic: string;
  retain: boolean;
  username: string;
  /** What was typed; empty: as it is stored; null: to be forgotten. They are never shown back. */
  secrets: Readonly<Partial<Record<Secret, string | null>>>;
  vehicleIds: readonly string[];
  units: readonly string[];
  codes: readonly string[];
  severities: readonly Severity[];
  /** A polygon as GeoJSON text; empty: everywhere. */
  area: string;
  rateHz: number;
  backfill: boolean;
  spoolMib: number;
  keptDays: number;
}

const MIB = 1 << 20;
const DAY_S = 86_400;

/** As the service has it where nothing is told; alarms and sorties are what another centre asks for first. */
export const BLANK: RuleForm = {
  name: "",
  what: ["alarms", "sorties"],
  kind: "http",
  url: "",
  confirm: "ack",
  version: "5",
  stateTopic: "bailu/{unit}/{vehicle_id}/state",
  eventTopic: "bailu/{unit}/{vehicle_id}/{what}",
  retain: false,
  username: "",
  secrets: {},
  vehicleIds: [],
  units: [],
  codes: [],
  severities: [],
  area: "",
  rateHz: 1,
  backfill: false,
  spoolMib: 64,
  keptDays: 7,
};

export function formOf({ name, what, target, filter, rate_hz, backfill, spool_bytes, kept_s }: ForwardingRule): RuleForm {
  const { kind, url, confirm, version, state_topic, event_topic, retain_state, username } = target;
  const { vehicle_ids, units, codes, severities, area } = filter;
  return {
    name,
    what,
    kind,
    url,
    confirm,
    version,
    stateTopic: state_topic,
    eventTopic: event_topic,
    retain: retain_state,
    username: username ?? "",
    secrets: {},
    vehicleIds: vehicle_ids,
    units,
    codes,
    severities,
    area: area ? JSON.stringify(area) : "",
    rateHz: rate_hz,
    backfill,
    spoolMib: spool_bytes / MIB,
    keptDays: kept_s / DAY_S,
  };
}

/** The polygon in a text: one alone, or that of a feature or of a collection's only one; null: it is none. */
export function polygonIn(text: string): Polygon | null {
  try {
    return polygonOf(JSON.parse(text));
  } catch {
    return null;
  }
}

function polygonOf(value: unknown): Polygon | null {
  if (typeof value !== "object" || value === null || !("type" in value)) return null;
  if (value.type === "Polygon" && "coordinates" in value && Array.isArray(value.coordinates)) {
    return { type: "Polygon", coordinates: value.coordinates };
  }
  if (value.type === "Feature" && "geometry" in value) return polygonOf(value.geometry);
  if (value.type === "FeatureCollection" && "features" in value && Array.isArray(value.features)) {
    return value.features.length === 1 ? polygonOf(value.features[0]) : null;
  }
  return null;
}

/** Whether it can be sent: the service looks at the rest. */
export function isComplete({ name, what, url, area }: RuleForm): boolean {
  return name.trim() !== "" && what.length > 0 && url.trim() !== "" && (area.trim() === "" || polygonIn(area) !== null);
}

export function targetOf(form: RuleForm): ForwardingTarget {
  const { kind, confirm, version, stateTopic, eventTopic, retain, username } = form;
  const url = form.url.trim();
  // What was not typed is left out, so that what is stored stays.
  const given = Object.fromEntries(SECRETS[kind].flatMap((name) => (form.secrets[name] === "" || form.secrets[name] === undefined ? [] : [[name, form.secrets[name]]])));
  switch (kind) {
    case "http":
      return { kind, url, ...given };
    case "websocket":
      return { kind, url, confirm, ...given };
    case "mqtt":
      return { kind, url, version, state_topic: stateTopic, event_topic: eventTopic, retain_state: retain, username: username.trim() || null, ...given };
  }
}

function filterOf({ vehicleIds, units, codes, severities, area }: RuleForm): ForwardingFilter {
  return { vehicle_ids: [...vehicleIds], units: [...units], codes: [...codes], severities: [...severities], area: polygonIn(area) };
}

/** All that the form says; a rule that is changed gets the same members. */
export function askedOf(form: RuleForm): Omit<ForwardingIn, "id" | "paused"> & ForwardingChange {
  const { name, what, rateHz, backfill, spoolMib, keptDays } = form;
  return {
    name: name.trim(),
    what: [...what],
    target: targetOf(form),
    filter: filterOf(form),
    rate_hz: rateHz,
    backfill,
    spool_bytes: Math.round(spoolMib * MIB),
    kept_s: keptDays * DAY_S,
  };
}
