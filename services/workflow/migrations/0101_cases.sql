-- Cases. The columns are what lists and timers ask for; everything else is in the state, without personal data.
CREATE TABLE cases (
    -- The dossier's code.
    code text PRIMARY KEY,
    receiving_agency text NOT NULL,
    competent_agency text NOT NULL,
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
