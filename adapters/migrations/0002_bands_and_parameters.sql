-- Each end of a zone's altitude band has a datum of its own, and what belongs to a pattern is under `parameters`.

-- json(): what comes out of a subquery is text to SQLite, and would be stored as one string.
UPDATE airspaces SET body = json_set(body, '$.zones', json((
    SELECT json_group_array(json_set(zone.value, '$.band', json_object(
        'floor', CASE WHEN zone.value ->> '$.band.floor_m' IS NOT NULL THEN json_object(
            'alt_m', zone.value ->> '$.band.floor_m', 'datum', zone.value ->> '$.band.datum') END,
        'ceiling', CASE WHEN zone.value ->> '$.band.ceiling_m' IS NOT NULL THEN json_object(
            'alt_m', zone.value ->> '$.band.ceiling_m', 'datum', zone.value ->> '$.band.datum') END
    )))
    FROM json_each(airspaces.body, '$.zones') AS zone
)));

UPDATE revisions SET body = json_remove(
    json_set(
        body,
        '$.request.alt_m', body -> '$.request.alt_rel_m',
        '$.request.parameters', CASE
            WHEN body ->> '$.request.pattern' <> 'survey' THEN json_object()
            WHEN body ->> '$.request.heading_deg' IS NULL
                THEN json_object('spacing_m', body -> '$.request.spacing_m')
            ELSE json_object(
                'spacing_m', body -> '$.request.spacing_m', 'heading_deg', body -> '$.request.heading_deg')
        END
    ),
    '$.request.alt_rel_m', '$.request.spacing_m', '$.request.heading_deg'
);
