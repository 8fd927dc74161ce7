-- Dossiers at the citizen's side of the counter. Columns are what queries ask for; `state` is the whole, without
-- personal data: replaying the dossier's events gives exactly it.
CREATE TABLE dossier (
    -- `H24.11593-250701-0007`.
    code text PRIMARY KEY,
    receiving_agency text NOT NULL,
    competent_agency text NOT NULL,
    -- To whom it belongs: both agencies, and the citizen who submitted it. `reaches` judges by them.
    tenants text[] NOT NULL,
    -- The citizen who submitted it; empty where nobody did so under their own name.
    owner text NOT NULL,
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
-- What it is competent for and another centre received; a citizen's own. Few, beside all the others.
CREATE INDEX dossier_elsewhere ON dossier (competent_agency, submitted_at, code) WHERE competent_agency <> receiving_agency;
CREATE INDEX dossier_owner ON dossier (owner, submitted_at, code) WHERE owner <> '';
-- What somebody still has to act on. It stays small however many dossiers have ended.
CREATE INDEX dossier_open ON dossier (status, receiving_agency, submitted_at, code) WHERE status IN (1, 2, 4, 5, 6, 9);
CREATE INDEX dossier_timer ON dossier (timer_at) WHERE timer_at IS NOT NULL;

-- Other systems' codes: each leads to one dossier. The constraint is a rule, so its name is not a row's key.
CREATE TABLE external_code (
    code text NOT NULL CONSTRAINT external_code_once PRIMARY KEY,
    dossier text NOT NULL
);

-- Beneath the program's own walls: see the platform's 0004_scope.sql. What was said is seen by whoever sees the dossier.
ALTER TABLE dossier ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON dossier USING (reaches(current_setting('motcua.reach', true), tenants)) WITH CHECK (true);
ALTER TABLE statement ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON statement USING (
    current_setting('motcua.reach', true) = '*'
    OR EXISTS (SELECT FROM dossier WHERE code = substr(name, length('dossiers/') + 1))) WITH CHECK (true);
