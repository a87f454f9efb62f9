-- A sortie is planned, approved and assigned before its preflight; what was `requested` is now `planned`. Plans that
-- replace a sortie's in the air are kept with it, `n` in the order in which they were made.

UPDATE sorties SET
    state = CASE state WHEN 'requested' THEN 'planned' ELSE state END,
    body = json_set(
        body,
        '$.state', CASE body ->> '$.state' WHEN 'requested' THEN 'planned' ELSE body ->> '$.state' END,
        -- json(): what comes out of a subquery is text to SQLite, and would be stored as one string.
        '$.transitions', json((
            SELECT json_group_array(CASE step.value ->> '$.from_state'
                WHEN 'requested' THEN json_set(step.value, '$.from_state', 'planned')
                ELSE json(step.value) END)
            FROM json_each(sorties.body, '$.transitions') AS step
        ))
    );

CREATE TABLE diversions (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    sortie_id TEXT NOT NULL REFERENCES sorties (id),
    row_revision INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX diversions_by_sortie ON diversions (sortie_id, n);
