-- What stands beside the form, counted in a period, by field.
-- $1 receiving agencies, empty for all; $2 the period's first instant; $3 the first after it;
-- $4 the first instant after the day as of which the report is; $5 to $8 the numbers of the measures;
-- $9 what the caller reaches.
WITH happened AS (
    SELECT catalog, procedure, $5::smallint AS measure
    FROM fact
    WHERE
        refused_at >= $2 AND refused_at < $3 AND refused_recorded_at < $4
        AND ($1::text [] = '{}' OR receiving_agency = ANY($1))
        AND reaches($9, ARRAY[receiving_agency])
    UNION ALL
    SELECT catalog, procedure, $6::smallint
    FROM fact
    WHERE
        handed_over_at >= $2 AND handed_over_at < $3 AND handed_over_recorded_at < $4
        AND ($1::text [] = '{}' OR receiving_agency = ANY($1))
        AND reaches($9, ARRAY[receiving_agency])
    UNION ALL
    SELECT catalog, procedure, $7::smallint
    FROM fact
    WHERE
        handed_over_at_home
        AND handed_over_at >= $2 AND handed_over_at < $3 AND handed_over_recorded_at < $4
        AND ($1::text [] = '{}' OR receiving_agency = ANY($1))
        AND reaches($9, ARRAY[receiving_agency])
    UNION ALL
    SELECT fact.catalog, fact.procedure, $8::smallint
    FROM fact, unnest(fact.sent_at, fact.sent_recorded_at) AS sent (at, recorded_at)
    WHERE
        fact.last_sent_at >= $2
        AND sent.at >= $2 AND sent.at < $3 AND sent.recorded_at < $4
        -- A dossier whose submission has not been heard of belongs to nobody yet.
        AND fact.receiving_agency <> ''
        AND ($1::text [] = '{}' OR fact.receiving_agency = ANY($1))
        AND reaches($9, ARRAY[fact.receiving_agency])
),

counted AS (
    SELECT catalog, procedure, measure, count(*) AS count
    FROM happened
    GROUP BY 1, 2, 3
)

SELECT coalesce(procedure.field, '') AS field, counted.measure, sum(counted.count)::bigint AS count
FROM counted
LEFT JOIN procedure ON counted.catalog = procedure.catalog AND counted.procedure = procedure.code
GROUP BY 1, 2
