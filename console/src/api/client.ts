/** The calls that the console makes; each rejects with a `Problem`. */

import type {
  Alarm,
  Airspace,
  AirspaceChange,
  AirspaceReview,
  CommandKind,
  CommandRecord,
  District,
  Diversion,
  DiversionIn,
  Dock,
  Enrollment,
  ForwardingChange,
  ForwardingIn,
  ForwardingRule,
  Mission,
  MissionFeature,
  MissionSummary,
  PatternSpec,
  Plan,
  Publication,
  Replay,
  ReplayChange,
  ReplayIn,
  Revision,
  SafetyState,
  Sortie,
  Template,
  Track,
  UnenrolledVehicle,
} from "./model";
import { isReplaying } from "../state/picture";
import { notLive, problemOf, unreachable } from "./problem";

const BASE = "/api/v1";
const REPLAYS = "/replays";
const RULES = "/forwarding/rules";

interface Items<T> {
  items: T[];
}

interface Send {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** While a recording is shown nothing but the replay itself is asked for: what is seen is not what would be commanded. */
async function call<T>(method: Method, path: string, { body, headers, signal }: Send = {}): Promise<T> {
  if (method !== "GET" && isReplaying() && !path.startsWith(REPLAYS)) throw notLive();
  const init: RequestInit = { method, headers: { accept: "application/json", ...headers } };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.headers = { ...init.headers, "content-type": "application/json" };
    init.body = JSON.stringify(body);
  }
  const response = await fetch(BASE + path, init).catch((reason: unknown) => {
    throw signal?.aborted ? reason : unreachable();
  });
  if (!response.ok) throw await problemOf(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const items = async <T>(path: string): Promise<T[]> => (await call<Items<T>>("GET", path)).items;
const part = encodeURIComponent;

export const api = {
  district: () => call<District>("GET", "/district"),
  airspace: () => call<Airspace>("GET", "/airspace"),
  review: (version: number) => call<AirspaceReview>("GET", `/airspace/versions/${version}/review`),
  changeAirspace: (basedOn: number, body: AirspaceChange) =>
    call<Publication>("POST", "/airspace/changes", { body, headers: { "if-match": `"${basedOn}"` } }),
  patterns: () => items<PatternSpec>("/patterns"),
  templates: () => items<Template>("/templates"),
  docks: () => items<Dock>("/docks"),
  missions: () => items<MissionSummary>("/missions"),
  mission: (id: string) => call<Mission>("GET", `/missions/${part(id)}`),
  revision: (id: string, revision: number) => call<Revision>("GET", `/missions/${part(id)}/revisions/${revision}`),
  sorties: (limit = 50) => items<Sortie>(`/sorties?limit=${limit}`),
  track: (id: string, level?: "1s") => call<Track>("GET", `/sorties/${part(id)}/track${level ? `?level=${level}` : ""}`),
  preview: async (body: MissionFeature, signal: AbortSignal) =>
    (await call<{ plan: Plan }>("POST", "/plans", { body, signal })).plan,
  createMission: (body: MissionFeature) => call<Mission>("POST", "/missions", { body }),
  revise: (id: string, basedOn: number, body: MissionFeature) =>
    call<Revision>("POST", `/missions/${part(id)}/revisions`, { body, headers: { "if-match": `"${basedOn}"` } }),
  launch: (missionId: string, revision: number, vehicleId: string, key: string) =>
    call<Sortie>("POST", "/sorties", {
      body: { mission_id: missionId, revision, vehicle_id: vehicleId },
      headers: { "idempotency-key": key },
    }),
  /** Also those that are over, newest first; of one vehicle or of all. */
  alarms: (vehicleId?: string) => items<Alarm>(`/alarms?limit=1000${vehicleId ? `&vehicle_id=${part(vehicleId)}` : ""}`),
  acknowledge: (alarmId: string) => call<Alarm>("POST", `/alarms/${part(alarmId)}/acknowledge`),
  divert: (sortieId: string, body: DiversionIn, signal: AbortSignal) =>
    call<Diversion>("POST", `/sorties/${part(sortieId)}/diversions`, { body, signal }),
  diversion: (sortieId: string, id: string) => call<Diversion>("GET", `/sorties/${part(sortieId)}/diversions/${part(id)}`),
  executeDiversion: (sortieId: string, id: string, key: string) =>
    call<Diversion>("POST", `/sorties/${part(sortieId)}/diversions/${part(id)}/execute`, { headers: { "idempotency-key": key } }),
  continueSortie: (sortieId: string, vehicleId: string, key: string) =>
    call<Sortie>("POST", `/sorties/${part(sortieId)}/continue`, {
      body: { vehicle_id: vehicleId },
      headers: { "idempotency-key": key },
    }),
  startReplay: (body: ReplayIn) => call<Replay>("POST", REPLAYS, { body }),
  replay: (id: string) => call<Replay>("GET", `${REPLAYS}/${part(id)}`),
  changeReplay: (id: string, body: ReplayChange) => call<Replay>("PATCH", `${REPLAYS}/${part(id)}`, { body }),
  endReplay: (id: string) => call<void>("DELETE", `${REPLAYS}/${part(id)}`),
  forwarding: () => items<ForwardingRule>(RULES),
  addForwarding: (body: ForwardingIn) => call<ForwardingRule>("POST", RULES, { body }),
  changeForwarding: (id: string, basedOn: number, body: ForwardingChange) =>
    call<ForwardingRule>("PATCH", `${RULES}/${part(id)}`, { body, headers: { "if-match": `"${basedOn}"` } }),
  removeForwarding: (id: string) => call<void>("DELETE", `${RULES}/${part(id)}`),
  /** Found in a list, because a vehicle of the settings file has none, which is no failure. */
  enrollment: async (vehicleId: string, unit: string) =>
    (await items<Enrollment>(`/enrollments?unit=${part(unit)}`)).find(({ id }) => id === vehicleId) ?? null,
  unenrolled: () => items<UnenrolledVehicle>("/unenrolled"),
  safety: (vehicleId: string) => call<SafetyState>("GET", `/vehicles/${part(vehicleId)}/safety-profile`),
  applySafety: (vehicleId: string) => call<SafetyState>("POST", `/vehicles/${part(vehicleId)}/safety-profile/apply`),
  command: (vehicleId: string, kind: CommandKind) =>
    call<CommandRecord>("POST", `/vehicles/${part(vehicleId)}/commands`, {
      body: { kind },
      headers: { "idempotency-key": newKey() },
    }),
};

/** A fresh idempotency key. `randomUUID` needs a secure context, which 127.0.0.1 is. */
export function newKey(): string {
  return crypto.randomUUID();
}
