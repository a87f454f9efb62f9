-- Who keeps the record of a sortie from being deleted, and until when; released ones stay to be read.

CREATE TABLE holds (
    n INTEGER PRIMARY KEY,
    sortie_id TEXT NOT NULL REFERENCES sorties (id),
    is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_open_hold_per_sortie ON holds (sortie_id) WHERE is_open = 1;
