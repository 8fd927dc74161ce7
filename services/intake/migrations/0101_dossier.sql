-- Dossiers at the citizen's side of the counter. Columns are what queries ask for; `state` is the whole, without
-- personal data: replaying the dossier's events gives exactly it.
CREATE TABLE dossier (
    -- `H24.11593-250701-0007`.
    code text PRIMARY KEY,
    receiving_agency text NOT NULL,
    competent_agency text NOT NULL,
    procedure text NOT NULL,
    -- The national portal's number.
    status smallint NOT NULL,
    channel smallint NOT NULL,
    hand_over_method smallint NOT NULL,
    submitted_at timestamptz NOT NULL,
    due_at timestamptz,
    -- When the dossier is to look at the clock by itself.
    timer_at timestamptz,
    version bigint NOT NULL,
    state json NOT NULL
);

-- Every dossier, and an agency's, in the order of submission.
CREATE INDEX dossier_submitted ON dossier (submitted_at, code);
CREATE INDEX dossier_agency ON dossier (receiving_agency, submitted_at, code);
-- What somebody still has to act on. It stays small however many dossiers have ended.
CREATE INDEX dossier_open ON dossier (status, receiving_agency, submitted_at, code) WHERE status IN (1, 2, 4, 5, 6, 9);
CREATE INDEX dossier_timer ON dossier (timer_at) WHERE timer_at IS NOT NULL;

-- Other systems' codes: each leads to one dossier. The constraint is a rule, so its name is not a row's key.
CREATE TABLE external_code (
    code text NOT NULL CONSTRAINT external_code_once PRIMARY KEY,
    dossier text NOT NULL
);
