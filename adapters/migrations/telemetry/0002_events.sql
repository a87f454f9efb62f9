-- What people were told, in the order of time: of a vehicle and a sortie by their number in `names`, -1 is none.

CREATE TABLE events (
    n INTEGER PRIMARY KEY,
    at_us INTEGER NOT NULL,
    vehicle INTEGER NOT NULL,
    sortie INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (at_us);
CREATE INDEX events_by_vehicle ON events (vehicle, at_us);
