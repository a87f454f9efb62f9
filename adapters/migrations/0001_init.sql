-- Missions, sorties, tracks, airspace versions and the command journal.
-- What is asked for is a column; the rest of a value is in `body` as JSON. Times are RFC 3339 in UTC, fixed width,
-- so that they sort as text.

CREATE TABLE missions (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
) STRICT;
CREATE INDEX missions_by_age ON missions (created_at DESC);

CREATE TABLE revisions (
    mission_id TEXT NOT NULL REFERENCES missions (id),
    revision INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (mission_id, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE sorties (
    id TEXT PRIMARY KEY,
    mission_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    vehicle_id TEXT NOT NULL,
    state TEXT NOT NULL,
    finished INTEGER NOT NULL CHECK (finished IN (0, 1)),
    created_at TEXT NOT NULL,
    row_revision INTEGER NOT NULL,
    body TEXT NOT NULL,
    FOREIGN KEY (mission_id, revision) REFERENCES revisions (mission_id, revision)
) STRICT;
CREATE INDEX sorties_by_age ON sorties (created_at DESC);
-- One vehicle flies one sortie: held here too, whatever the code believes.
CREATE UNIQUE INDEX one_unfinished_sortie_per_vehicle ON sorties (vehicle_id) WHERE finished = 0;

CREATE TABLE sortie_keys (
    key TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    sortie_id TEXT NOT NULL REFERENCES sorties (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE track_points (
    sortie_id TEXT NOT NULL REFERENCES sorties (id),
    n INTEGER NOT NULL,
    at TEXT NOT NULL,
    lat_deg REAL NOT NULL,
    lon_deg REAL NOT NULL,
    alt_amsl_m REAL NOT NULL,
    alt_rel_m REAL NOT NULL,
    ground_speed_mps REAL NOT NULL,
    climb_mps REAL NOT NULL,
    heading_deg REAL NOT NULL,
    battery_pct REAL,
    mode TEXT NOT NULL,
    mission_seq INTEGER,
    PRIMARY KEY (sortie_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE airspaces (
    version INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE commands (
    id TEXT PRIMARY KEY,
    vehicle_id TEXT NOT NULL,
    issued_at TEXT NOT NULL,
    state TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX commands_by_vehicle ON commands (vehicle_id, issued_at DESC);
