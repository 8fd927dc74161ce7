-- How long procedures took, for dossiers resolved in a period; most dossiers first.
-- $1 receiving agencies, empty for all; $2 the period's first instant; $3 the first after it;
-- $4 what the caller reaches.
SELECT
    procedure,
    count(*) AS dossiers,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY used_minutes) AS p50_minutes,
    percentile_disc(0.9) WITHIN GROUP (ORDER BY used_minutes) AS p90_minutes,
    percentile_disc(0.99) WITHIN GROUP (ORDER BY used_minutes) AS p99_minutes
FROM fact
WHERE
    resolved_at >= $2 AND resolved_at < $3
    AND ($1::text [] = '{}' OR receiving_agency = ANY($1))
    AND reaches($4, ARRAY[receiving_agency])
GROUP BY procedure
ORDER BY dossiers DESC, procedure
