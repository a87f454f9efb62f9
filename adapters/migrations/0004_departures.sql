-- When the newest revision of a mission departs, in fixed-width UTC; NULL: whenever it is launched. Flights are kept
-- apart from those that are still to depart, however many other missions there are.

ALTER TABLE missions ADD COLUMN departs_at TEXT;
-- strftime turns every offset into UTC and is exact to the millisecond.
UPDATE missions SET departs_at = (
    SELECT strftime('%Y-%m-%dT%H:%M:%f', body ->> '$.request.departs_at') || '000+00:00'
    FROM revisions
    WHERE mission_id = id AND revisions.revision = missions.revision
);
CREATE INDEX missions_by_departure ON missions (departs_at) WHERE departs_at IS NOT NULL;
