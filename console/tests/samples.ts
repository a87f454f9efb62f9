/** Values of the service's types, complete, for tests to vary. */

import type { Alarm, CommandRecord, Conflict, Sortie, VehicleState } from "../src/api/model";
import type { Frame, Position } from "../src/api/stream";

export const VEHICLE: VehicleState = {
  vehicle_id: "bl-01", name: "白鹭一号", dock_id: "dock-1", system_id: 11, link_name: "fleet", airframe: "quad", link: "live",
  last_heard_at: null, heard_age_s: 0.1, position_age_s: 0.2, lat_deg: 31.15, lon_deg: 121.12, alt_amsl_m: 64, alt_rel_m: 60,
  alt_agl_m: 60, heading_deg: 0, course_deg: 0, ground_speed_mps: 8, climb_mps: 0, north_mps: 8, east_mps: 0, roll_deg: 0, pitch_deg: 0, battery_pct: 80,
  battery_v: 25, battery_a: 10, gps_fix: 3, satellites: 14, hdop: 0.8, mode: "AUTO", armed: true, landed: "in_air", prearm_ok: true,
  position_ok: true, ready: false, fence_enabled: true, fence_breached: false, mission_seq: 2, mission_total: 9, home_lat_deg: null,
  home_lon_deg: null, home_amsl_m: null, firmware: null, uid: null, sortie_id: "s-1", last_texts: [],
  vibration_mps2: null, signed: false, unit: "default", ambiguous: false, progress: null, ghosts: [], quiet: [],
};

export const SORTIE: Sortie = {
  sortie_id: "s-1", mission_id: "m-1", revision: 1, mission_name: "巡查", vehicle_id: "bl-01", state: "preflight",
  created_at: "2026-11-23T01:00:00Z", created_by: "local", outcome: null, problem: null, waypoints_total: 9, waypoints_reached: 0,
  upload_verified: false, mission_hash: "", fence_hash: "", breaches: 0, distance_m: 0, armed_at: null, landed_at: null,
  battery_start_pct: null, battery_end_pct: null, checks: [], proof: null,
  approved_by: "local", approved_at: "2026-11-23T01:00:00Z", held: null, break_point: null, continues: null, diversion_id: null,
  onboard: "unknown", waypoints_skipped: 0,
  transitions: [{ at: "2026-11-23T01:00:01Z", from_state: "assigned", to_state: "preflight", by: "gateway", why: "" }],
};

export const CONFLICT: Conflict = {
  code: "leg-crosses-exclusion", detail: "The leg 3 → 4 runs through School; it must stay 10 m away.", pointer: "/geometry",
  zone_id: "z-1", zone_name: "学校", leg: [3, 4], geometry: null, encounter: null,
};

export const ALARM: Alarm = {
  id: "a-1", kind: "low-battery", severity: "warning", text: "白鹭一号's battery is at 28 % (limit 30 %).", vehicle_id: "bl-01", sortie_id: "s-1",
  began_at: "2026-11-23T01:00:00Z", ended_at: null, acknowledged_at: null, acknowledged_by: null,
};

export const COMMAND: CommandRecord = {
  id: "cmd-1", vehicle_id: "bl-01", sortie_id: "s-1", kind: "return", issued_at: "2026-11-23T01:00:05Z", issued_by: "local", state: "issued", result: "",
  finished_at: null, parameters: {}, repeat: "confirm-by-state", deadline_at: null, texts: [],
};

const SERVER_TIME = "2026-11-23T01:00:02Z";

type Body<T = Frame> = T extends Frame ? Omit<T, "epoch" | "seq" | "at" | "replayed"> : never;

export function frame(seq: number, body: Body, epoch = "e1"): Frame {
  return { epoch, seq, at: SERVER_TIME, replayed: false, ...body } as Frame;
}

/** A snapshot that the console has read. */
export function snapshotOf(vehicles: VehicleState[], sorties: Sortie[] = [], more: { tracks?: Record<string, Position[]>; alarms?: Alarm[]; commands?: CommandRecord[] } = {}): Frame {
  return frame(1, { type: "snapshot", vehicles, sorties, tracks: {}, alarms: [], commands: [], traffic: [], links: [], gap: null, ...more });
}
