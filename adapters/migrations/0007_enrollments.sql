-- Who the vehicles are. Keys are stored encrypted and in a table of their own, so that no enrolment read by chance
-- carries one. What signing may not forget: times only rise, link ids are given once.

CREATE TABLE enrollments (
    id TEXT PRIMARY KEY,
    retired INTEGER NOT NULL,
    row_revision INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE enrollment_keys (
    vehicle_id TEXT PRIMARY KEY REFERENCES enrollments (id),
    current BLOB,
    next BLOB
) STRICT;
CREATE TABLE enrollment_version (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO enrollment_version VALUES (1, 0);
CREATE TABLE signing_times (
    name TEXT PRIMARY KEY,
    ticks INTEGER NOT NULL
) STRICT;
CREATE TABLE signing_links (
    name TEXT PRIMARY KEY,
    link_id INTEGER NOT NULL UNIQUE
) STRICT;
