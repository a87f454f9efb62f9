-- Whose a vehicle is, as its enrolment says; of those enrolled before units there is one, `default`.

ALTER TABLE enrollments ADD COLUMN unit TEXT NOT NULL
    GENERATED ALWAYS AS (coalesce(json_extract(body, '$.unit'), 'default')) VIRTUAL;
CREATE INDEX enrollments_by_unit ON enrollments (unit);
