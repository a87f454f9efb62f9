/** What the service says, by the names that the console uses; the shapes are generated from its OpenAPI. */

import type { Feature, FeatureCollection, Geometry, LineString, MultiPoint, Point, Polygon } from "geojson";
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
export type Ghost = Schemas["Ghost"];
export type Alarm = Schemas["Alarm"];
export type AlarmKind = Schemas["AlarmKind"];
export type LinksTick = Schemas["LinksTick"];
export type LinkHealth = Schemas["LinkHealth"];
export type Enrollment = Schemas["EnrollmentOut"];
export type UnenrolledVehicle = Schemas["UnenrolledVehicle"];
export type Replay = Schemas["ReplayOut"];
export type ReplayIn = Partial<Schemas["ReplayIn"]>;
export type ReplayChange = Schemas["ReplayChange"];
export type ForwardingStanding = Schemas["StandingOut"];
export type ForwardingTarget = Schemas["WebSocketTargetIn"] | Schemas["MqttTargetIn"] | Schemas["HttpTargetIn"];
export type ForwardingFilter = Known<Schemas["FilterIn"], { area?: Polygon | null }>;
export type ForwardingRule = Known<Schemas["RuleOut"], { filter: Known<Schemas["FilterOut"], { area: Polygon | null }> }>;
export type ForwardingIn = Known<Schemas["RuleIn"], { target: ForwardingTarget; filter: ForwardingFilter }>;
export type ForwardingChange = Partial<Omit<ForwardingIn, "id">>;
export type SafetyState = Schemas["SafetyState"];
export type SafetySetting = Schemas["SafetySetting"];

/** A value of a pattern's parameter, as JSON has it. */
export type Value = number | string | boolean;
export type ParameterSpec = Schemas["ParameterOut"];
export type PatternSpec = Schemas["PatternOut"];
export type Template = Known<Schemas["TemplateOut"], { defaults: Record<string, Record<string, Value>> }>;
export type ReturnMode = Schemas["ReturnMode"];
export type Waypoint = Schemas["WaypointOut"];
export type Action = Schemas["Action"];

export type District = FeatureCollection<Geometry>;
export type Validity = Schemas["ValidityIn"];
export type Band = Schemas["BandIn"];
export type ZoneFeature = Feature<Polygon | Point, Schemas["ZoneProperties"]> & { id: string };
export type Airspace = Known<Schemas["AirspaceOut"], { zones: { features: ZoneFeature[] } }>;
export type AirspaceChange = Omit<Schemas["AirspaceChangeIn"], "add"> & { add?: { type: "FeatureCollection"; features: object[] } };
export type Publication = Schemas["PublicationOut"];

/** What a mission is drawn as. */
export type Drawn = Polygon | LineString | Point | MultiPoint;
export type MissionFeature = Known<Schemas["MissionFeature"], { geometry: Drawn }>;
export type Conflict = Known<Schemas["Conflict"], { geometry: Geometry | null }>;
export type ProofCheck = Known<Schemas["ProofCheck"], { geometry: Geometry | null }>;
export type Proof = Known<Schemas["Proof"], { checks: ProofCheck[] }>;
export type Proposal = Schemas["Proposal"];
export type Plan = Known<Schemas["PlanOut"], { path: LineString; conflicts: Conflict[]; proof: Proof | null }>;
/** What is asked of a vehicle in the air that is not its mission. */
export type DiversionIn =
  | Schemas["GotoIn"]
  | Schemas["OrbitIn"]
  | Schemas["ChangeAltitudeIn"]
  | Schemas["ChangeSpeedIn"]
  | Schemas["SkipIn"]
  | Schemas["ReplaceIn"];
/** The plan of a diversion begins in the air: its first waypoint is where the vehicle was. */
export type Diversion = Known<Schemas["DiversionOut"], { plan: Plan }>;
export type Revision = Known<Schemas["RevisionOut"], { feature: MissionFeature; plan: Plan }>;
export type Mission = Known<Schemas["MissionOut"], { latest: Revision }>;
export type Track = Known<Schemas["TrackOut"], { geometry: LineString }>;

export type TrafficConflict = Known<Schemas["TrafficConflict"], { geometry: Geometry | null }>;

export type WayOut = Known<Schemas["ProposalOut"], { feature: MissionFeature | null; plan: Plan | null }>;
export type FailingMission = Known<Schemas["FailingMissionOut"], { conflicts: Conflict[]; proposal: WayOut | null }>;
export type AirspaceReview = Known<Schemas["AirspaceReviewOut"], { failing: FailingMission[] }>;
