-- Dossiers of a report, by all that matters.
-- $1 receiving agencies, empty for all; $2 the period's first instant; $3 the first after it;
-- $4 the first instant after the day as of which the report is; $5 when what is in progress is judged;
-- $6 what the caller reaches.
WITH seen AS (
    -- As the sources had recorded it before $4. A withdrawal beats whatever the case came to.
    SELECT
        catalog, procedure, channel, received_at,
        CASE
            WHEN withdrawn_recorded_at < $4 THEN withdrawn_at
            WHEN closed_recorded_at < $4 THEN closed_at
        END AS resolved_at,
        CASE
            WHEN withdrawn_recorded_at < $4 THEN withdrawn_as
            ELSE closed_as
        END AS resolved_as,
        CASE
            WHEN withdrawn_recorded_at < $4 THEN 2
            WHEN closed_stopped THEN 1
            ELSE 0
        END AS manner,
        CASE
            WHEN withdrawn_recorded_at < $4 THEN withdrawn_apologised
            ELSE closed_apologised
        END AS apologised,
        CASE
            WHEN limit_recorded_at IS NULL THEN overdue_from
            ELSE (
                SELECT moved.overdue_from
                FROM unnest(limit_recorded_at, limit_overdue_from)
                    WITH ORDINALITY AS moved (recorded_at, overdue_from, place)
                WHERE moved.recorded_at < $4
                ORDER BY moved.place DESC
                LIMIT 1
            )
        END AS overdue_from
    FROM fact
    WHERE
        accepted_recorded_at < $4
        AND received_at < $3
        -- What was resolved before the period, and written down before $4 for good, is left out by an index.
        AND (resolved_at IS NULL OR resolved_at >= $2 OR settled_recorded_at >= $4)
        AND ($1::text [] = '{}' OR receiving_agency = ANY($1))
        AND reaches($6, ARRAY[receiving_agency])
),

placed AS (
    SELECT
        catalog, procedure, channel,
        CASE
            WHEN received_at >= $2 THEN (received_at AT TIME ZONE interval '7 hours')::date - date '1970-01-01'
        END AS received_on,
        CASE
            WHEN resolved_at < $3 THEN (resolved_at AT TIME ZONE interval '7 hours')::date - date '1970-01-01'
        END AS resolved_on,
        CASE WHEN resolved_at < $3 THEN resolved_as ELSE 0 END AS resolved_as,
        CASE WHEN resolved_at < $3 THEN manner ELSE 0 END AS manner,
        coalesce(resolved_at < $3 AND apologised, false) AS apologised,
        coalesce(overdue_from <= $5, false) AND coalesce(resolved_at >= $3, true) AS overdue
    FROM seen
    WHERE resolved_at IS NULL OR resolved_at >= $2
),

counted AS (
    SELECT
        catalog, procedure, channel, received_on, resolved_on, resolved_as, manner, apologised, overdue,
        count(*) AS dossiers
    FROM placed
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
)

SELECT
    coalesce(procedure.field, '') AS field,
    counted.channel::integer AS channel,
    counted.received_on,
    counted.resolved_on,
    counted.resolved_as::integer AS resolved_as,
    counted.manner,
    counted.apologised,
    counted.overdue,
    sum(counted.dossiers)::bigint AS dossiers
FROM counted
LEFT JOIN procedure ON counted.catalog = procedure.catalog AND counted.procedure = procedure.code
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
