/** What the service says, by the names that the console uses. */

import type { Feature, FeatureCollection, Geometry, LineString, Point, Polygon } from "geojson";

export type LinkState = "never" | "live" | "stale" | "lost";
export type Landed = "unknown" | "on_ground" | "taking_off" | "in_air" | "landing";

export interface VehicleState {
  vehicle_id: string;
  name: string;
  dock_id: string | null;
  system_id: number;
  link_name: string;
  airframe: string;
  link: LinkState;
  last_heard_at: string | null;
  heard_age_s: number | null;
  position_age_s: number | null;
  lat_deg: number | null;
  lon_deg: number | null;
  alt_amsl_m: number | null;
  alt_rel_m: number | null;
  alt_agl_m: number | null;
  heading_deg: number | null;
  course_deg: number | null;
  ground_speed_mps: number | null;
  climb_mps: number | null;
  roll_deg: number | null;
  pitch_deg: number | null;
  battery_pct: number | null;
  battery_v: number | null;
  battery_a: number | null;
  gps_fix: number | null;
  satellites: number | null;
  hdop: number | null;
  mode: string | null;
  armed: boolean | null;
  landed: Landed;
  prearm_ok: boolean | null;
  fence_enabled: boolean | null;
  fence_breached: boolean | null;
  mission_seq: number | null;
  mission_total: number | null;
  home_lat_deg: number | null;
  home_lon_deg: number | null;
  home_amsl_m: number | null;
  firmware: string | null;
  uid: string | null;
  sortie_id: string | null;
  last_texts: string[];
  loss_pct: number | null;
}

export interface Dock {
  dock_id: string;
  name: string;
  name_en: string;
  lat_deg: number;
  lon_deg: number;
  ground_amsl_m: number;
  height_agl_m: number;
  vehicle_ids: string[];
}

export type Role = "inclusion" | "exclusion" | "advisory";

export interface ZoneProperties {
  name: string;
  name_en?: string;
  role: Role;
  kind: string;
  band: { datum: "amsl" | "rel" | "agl"; floor_m: number | null; ceiling_m: number | null };
  margin_m: number;
  source: string;
  radius_m?: number | null;
}

export type ZoneFeature = Feature<Polygon | Point, ZoneProperties> & { id: string };

export interface Airspace {
  version: number;
  published_at: string | null;
  published_by: string;
  note: string;
  combination: "intersection" | "union";
  ceiling_agl_m: number;
  zones: { type: "FeatureCollection"; features: ZoneFeature[] };
}

export type District = FeatureCollection<Geometry>;

export type Pattern = "survey" | "route";

export interface MissionProperties {
  name: string;
  pattern: Pattern;
  alt_rel_m: number;
  speed_mps: number;
  dock_id?: string | null;
  spacing_m?: number;
  heading_deg?: number | null;
}

export interface MissionFeature {
  type: "Feature";
  geometry: Polygon | LineString;
  properties: MissionProperties;
}

export interface Conflict {
  code: string;
  detail: string;
  pointer: string;
  zone_id: string | null;
  zone_name: string | null;
  leg: [number, number] | null;
  geometry: Geometry | null;
}

export interface Waypoint {
  lat_deg: number;
  lon_deg: number;
  alt_rel_m: number;
}

export interface Plan {
  dock_id: string;
  home: { lat_deg: number; lon_deg: number; alt_amsl_m: number };
  waypoints: Waypoint[];
  path: LineString;
  speed_mps: number;
  length_m: number;
  duration_s: number;
  energy_wh: number;
  battery_needed_pct: number;
  airspace_version: number;
  conflicts: Conflict[];
  fence: { polygons: { inclusion: boolean; ring: number[][] }[]; alt_max_rel_m: number } | null;
  hash: string;
  fence_hash: string;
  waypoints_total: number;
}

export interface Revision {
  mission_id: string;
  revision: number;
  feature: MissionFeature;
  plan: Plan;
  created_at: string;
  created_by: string;
}

export interface MissionSummary {
  mission_id: string;
  name: string;
  revision: number;
  created_at: string;
  created_by: string;
}

export interface Mission extends MissionSummary {
  latest: Revision;
}

export type SortieState =
  | "requested"
  | "preflight"
  | "uploading"
  | "ready"
  | "taking_off"
  | "on_mission"
  | "paused"
  | "returning"
  | "landing"
  | "closed"
  | "refused"
  | "lost";

export interface Check {
  check: string;
  ok: boolean;
  detail: string;
}

export interface Transition {
  at: string;
  from_state: SortieState;
  to_state: SortieState;
  by: string;
  why: string;
}

export interface SortieProblem {
  type: string;
  title: string;
  detail: string;
}

export interface Sortie {
  sortie_id: string;
  mission_id: string;
  revision: number;
  mission_name: string;
  vehicle_id: string;
  state: SortieState;
  created_at: string;
  created_by: string;
  outcome: "completed" | "aborted" | "refused" | "lost" | null;
  problem: SortieProblem | null;
  waypoints_total: number;
  waypoints_reached: number;
  upload_verified: boolean;
  mission_hash: string;
  fence_hash: string;
  breaches: number;
  distance_m: number;
  armed_at: string | null;
  landed_at: string | null;
  battery_start_pct: number | null;
  battery_end_pct: number | null;
  checks: Check[];
  transitions: Transition[];
}

export type CommandKind = "pause" | "resume" | "return" | "land";

export interface CommandRecord {
  id: string;
  vehicle_id: string;
  kind: string;
  state: string;
  result: string;
}

export interface Track {
  type: "Feature";
  geometry: LineString;
  properties: { times: string[] };
}
