/** What the service says, by the names that the console uses; the shapes are generated from its OpenAPI. */

import type { Feature, FeatureCollection, Geometry, LineString, Point, Polygon } from "geojson";
import type { components } from "./types";

type Schemas = components["schemas"];
/** `S` with the members of `Known`, where OpenAPI only says "an object". */
type Known<S, K> = Omit<S, keyof K> & K;

export type VehicleState = Schemas["VehicleState"];
export type Landed = Schemas["Landed"];
export type Dock = Schemas["DockOut"];
export type Role = Schemas["Role"];
export type Pattern = Schemas["Pattern"];
export type MissionSummary = Schemas["MissionSummary"];
export type Check = Schemas["PreflightCheck"];
export type Transition = Schemas["Transition"];
export type Sortie = Schemas["SortieOut"];
export type SortieState = Schemas["SortieState"];
export type CommandKind = Schemas["CommandKind"];
export type CommandRecord = Schemas["CommandRecord"];

export type District = FeatureCollection<Geometry>;
export type ZoneFeature = Feature<Polygon | Point, Schemas["ZoneProperties"]> & { id: string };
export type Airspace = Known<Schemas["AirspaceOut"], { zones: { features: ZoneFeature[] } }>;

export type MissionFeature = Known<Schemas["MissionFeature"], { geometry: Polygon | LineString }>;
export type Conflict = Known<Schemas["Conflict"], { geometry: Geometry | null }>;
export type Plan = Known<Schemas["PlanOut"], { path: LineString; conflicts: Conflict[] }>;
export type Revision = Known<Schemas["RevisionOut"], { feature: MissionFeature; plan: Plan }>;
export type Mission = Known<Schemas["MissionOut"], { latest: Revision }>;
export type Track = Known<Schemas["TrackOut"], { geometry: LineString }>;
