-- Recorded rows. `pending` takes batches of all vehicles as they come; they become `chunks`, one blob per vehicle,
-- sortie and span of time, and coarser ones beside them. `piece`: not yet part of the next coarser level.
-- Times are microseconds since 1970 in UTC, of the first and the last row.

CREATE TABLE names (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE pending (
    n INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    from_us INTEGER NOT NULL,
    to_us INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;

CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    level INTEGER NOT NULL,
    vehicle INTEGER NOT NULL,
    sortie INTEGER NOT NULL,
    from_us INTEGER NOT NULL,
    to_us INTEGER NOT NULL,
    count INTEGER NOT NULL,
    piece INTEGER NOT NULL CHECK (piece IN (0, 1)),
    data BLOB NOT NULL
) STRICT;
CREATE INDEX chunks_by_vehicle ON chunks (vehicle, level, from_us);
CREATE INDEX chunks_by_sortie ON chunks (sortie, level, from_us) WHERE sortie >= 0;
CREATE INDEX chunks_by_end ON chunks (level, to_us);
CREATE INDEX pieces ON chunks (level, from_us) WHERE piece = 1;

CREATE TABLE deletions (
    n INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
