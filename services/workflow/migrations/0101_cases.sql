-- Cases. The columns are what lists and timers ask for; everything else is in the state, without personal data.
CREATE TABLE cases (
    -- The dossier's code.
    code text PRIMARY KEY,
    receiving_agency text NOT NULL,
    competent_agency text NOT NULL,
    -- Whose it is: the agencies that received it, decide on it, and work or worked on it.
    tenants text[] NOT NULL,
    -- motcua.workflow.v1.CaseState.
    state_number smallint NOT NULL,
    due_at timestamptz NOT NULL,
    -- When to look at the clock; NULL while nothing falls due.
    timer_at timestamptz,
    version bigint NOT NULL,
    state json NOT NULL
    -- Room for the next version on the same page: most changes touch no index.
) WITH (fillfactor = 70);
-- Each state by due, for all and for an agency: a list takes the first of each state that it asks for, so that it never
-- walks over the others, however many have ended. The condition of an index holds of every row; only the list that is
-- meant to use it states it too, so that PostgreSQL is not tempted to walk over everybody's for the sake of the order
-- where an agency has few.
CREATE INDEX cases_state ON cases (state_number, due_at, code) WHERE code <> '';
CREATE INDEX cases_competent ON cases (competent_agency, state_number, due_at, code);
CREATE INDEX cases_timer ON cases (timer_at) WHERE timer_at IS NOT NULL;

-- The same for an agency that has to do with a case and does not decide on it: it received it, or works on a part of it.
-- Most cases are one agency's alone and have no row here.
CREATE TABLE case_elsewhere (
    agency text NOT NULL,
    -- Written with its case, so a foreign key would only cost.
    code text NOT NULL,
    competent_agency text NOT NULL,
    state_number smallint NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (code, agency)
) WITH (fillfactor = 80);
CREATE INDEX case_elsewhere_agency ON case_elsewhere (agency, state_number, due_at, code);

-- Worklists: what of a task they filter and order by. The task itself is in its case's state.
CREATE TABLE task (
    -- Written with its case, so a foreign key would only cost.
    dossier text NOT NULL,
    number integer NOT NULL,
    agency text NOT NULL,
    -- motcua.type.v1.Role.
    role smallint NOT NULL,
    -- motcua.workflow.v1.TaskState: 1 open, 2 claimed, 3 and above ended.
    state_number smallint NOT NULL,
    assignee text NOT NULL,
    -- 0 with a priority, 1 without.
    rank smallint NOT NULL,
    case_due_at timestamptz NOT NULL,
    held boolean NOT NULL,
    PRIMARY KEY (dossier, number)
) WITH (fillfactor = 80);
-- As for cases: each state in the order of a worklist, for all, for an agency and for somebody.
CREATE INDEX task_state ON task (state_number, rank, case_due_at, dossier, number) WHERE number > 0;
CREATE INDEX task_agency ON task (agency, state_number, rank, case_due_at, dossier, number) WHERE rank >= 0;
CREATE INDEX task_assignee ON task (assignee, state_number, rank, case_due_at, dossier, number) WHERE assignee <> '';

-- Beneath what the program asks for: whoever reads for somebody finds nothing else (0004_scope.sql).
ALTER TABLE cases ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON cases USING (reaches(current_setting('motcua.reach', true), tenants)) WITH CHECK (true);
ALTER TABLE case_elsewhere ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON case_elsewhere USING (reaches(current_setting('motcua.reach', true), ARRAY[agency])) WITH CHECK (true);
ALTER TABLE task ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON task USING (reaches(current_setting('motcua.reach', true), ARRAY[agency])) WITH CHECK (true);
-- What was said about a case is reached by whoever reaches the case. Nothing else has statements here.
ALTER TABLE statement ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON statement USING (
    current_setting('motcua.reach', true) = '*'
    OR EXISTS (SELECT FROM cases WHERE cases.code = substr(statement.name, length('cases/') + 1))
) WITH CHECK (true);
