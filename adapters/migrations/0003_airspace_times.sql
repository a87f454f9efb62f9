-- A version may be published ahead: `starts_at` is when it may come into force, '' since ever; `head` is all of it but
-- its zones, so that a list of versions does not read them. A review says which missions a version makes unflyable.

ALTER TABLE airspaces ADD COLUMN starts_at TEXT NOT NULL DEFAULT '';
ALTER TABLE airspaces ADD COLUMN head TEXT NOT NULL DEFAULT '';

UPDATE airspaces SET
    starts_at = max(
        coalesce(strftime('%Y-%m-%dT%H:%M:%f000+00:00', body ->> '$.published_at'), ''),
        coalesce(strftime('%Y-%m-%dT%H:%M:%f000+00:00', body ->> '$.effective_at'), '')
    ),
    head = json_object(
        'version', version,
        'published_at', body ->> '$.published_at',
        'published_by', body ->> '$.published_by',
        'note', body ->> '$.note',
        'zones_count', json_array_length(body, '$.zones'),
        'effective_at', body ->> '$.effective_at'
    );

CREATE TABLE airspace_reviews (
    version INTEGER PRIMARY KEY REFERENCES airspaces (version),
    body TEXT NOT NULL
) STRICT;
