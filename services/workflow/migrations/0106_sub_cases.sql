-- Branches at other agencies: what of them lists filter and order by. The branch itself is in its case's state.
--
-- A branch is found by whoever finds its case, so that both the agency that decides and the one that works on the branch watch
-- it: there is a row for each of the case's tenants. Few cases have branches, and those have few tenants.
CREATE TABLE sub_case (
    -- Written with its case, so a foreign key would only cost.
    dossier text NOT NULL,
    -- Its place among the case's branches, from 1.
    number integer NOT NULL,
    -- Whose row it is.
    tenant text NOT NULL,
    -- That works on the branch: a tenant too.
    agency text NOT NULL,
    procedure text NOT NULL,
    -- 1 open, 2 open and overdue, 3 ended, 4 ended and overdue.
    standing smallint NOT NULL,
    -- The branch's own due, as holds moved it.
    due_at timestamptz NOT NULL,
    PRIMARY KEY (dossier, number, tenant)
) WITH (fillfactor = 80);
-- As for cases: each standing in the order of the list, for all, for a tenant, and for a tenant among an agency's.
CREATE INDEX sub_case_standing ON sub_case (standing, due_at, dossier, number) WHERE tenant = agency;
CREATE INDEX sub_case_tenant ON sub_case (tenant, standing, due_at, dossier, number) WHERE number > 0;
CREATE INDEX sub_case_agency ON sub_case (tenant, agency, standing, due_at, dossier, number);
ALTER TABLE sub_case ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON sub_case USING (reaches(current_setting('motcua.reach', true), ARRAY[tenant])) WITH CHECK (true);

-- The branches that there are already. Until when their dues are judged was not kept: in hours, part days included, to the
-- minute; in days, Vietnamese ones, to midnight. As `SubCase::due` has it.
WITH known AS MATERIALIZED (
    SELECT code, tenants, state_number, branch.*,
        CASE
            WHEN last_stage ? 'working_hours' OR (last_stage ->> 'working_day_halves')::integer % 2 = 1
                THEN branch.due_at + interval '1 minute'
            ELSE (date_trunc('day', branch.due_at AT TIME ZONE 'UTC' + interval '7 hours') + interval '1 day' - interval '7 hours')
                AT TIME ZONE 'UTC'
        END AS judged_until
    FROM cases
    CROSS JOIN LATERAL (
        SELECT number, branch ->> 'agency' AS agency, branch ->> 'procedure' AS procedure,
            (branch ->> 'due_at')::timestamptz AS due_at, (branch ->> 'finished_at')::timestamptz AS finished_at,
            coalesce((branch ->> 'overdue')::boolean, false) AS told,
            coalesce(branch -> 'limit' -> 'stages' -> -1, branch -> 'limit') AS last_stage
        FROM jsonb_array_elements(state::jsonb -> 'sub_cases') WITH ORDINALITY AS branches (branch, number)
    ) AS branch
    -- Most cases have none, and are not read for it.
    WHERE state::text LIKE '%"sub_cases":%'
), listed AS (
    INSERT INTO sub_case (dossier, number, tenant, agency, procedure, standing, due_at)
    SELECT code, number, tenant, agency, procedure,
        CASE WHEN finished_at IS NULL AND state_number IN (1, 2, 3) THEN 1 ELSE 3 END
            + CASE WHEN told OR finished_at >= judged_until THEN 1 ELSE 0 END,
        due_at
    FROM known CROSS JOIN LATERAL unnest(tenants) AS tenant
), next AS (
    SELECT code, min(judged_until) AS at FROM known
    WHERE state_number = 1 AND finished_at IS NULL AND NOT told GROUP BY code
)
-- The clock looks at them from now on. While a case stands still nothing falls due; it is reckoned when the case goes on.
UPDATE cases SET timer_at = least(timer_at, next.at) FROM next WHERE cases.code = next.code;
