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
    -- Id of the definition: a blocked case waits for it.
    definition text NOT NULL,
    version bigint NOT NULL,
    state jsonb NOT NULL
    -- Room for the next version on the same page: most changes touch no index.
) WITH (fillfactor = 70);
CREATE INDEX cases_due ON cases (due_at, code);
CREATE INDEX cases_competent ON cases (competent_agency, due_at, code);
CREATE INDEX cases_timer ON cases (timer_at) WHERE timer_at IS NOT NULL;
CREATE INDEX cases_blocked ON cases (definition) WHERE state_number = 3;

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
CREATE INDEX task_waiting ON task (agency, rank, case_due_at, dossier, number) WHERE state_number <= 2;
CREATE INDEX task_ended ON task (rank, case_due_at, dossier, number) WHERE state_number > 2;
