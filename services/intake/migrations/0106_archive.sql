-- Runs of the archive, and which dossier went with which.
CREATE TABLE archive_run (
    -- `11593-250825-0001`.
    key text PRIMARY KEY,
    agency text NOT NULL,
    tenants text[] NOT NULL,
    state json NOT NULL
);
ALTER TABLE archive_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON archive_run USING (reaches(current_setting('motcua.reach', true), tenants)) WITH CHECK (true);

-- The constraint is a rule, so its name is not a row's key.
CREATE TABLE archived (
    dossier text NOT NULL CONSTRAINT archived_once PRIMARY KEY,
    run text NOT NULL
);

-- What is in the archive is in no list but its own: the lists stay as short as the work is.
ALTER TABLE dossier ADD COLUMN archived boolean NOT NULL DEFAULT false;
DROP INDEX dossier_submitted, dossier_agency, dossier_elsewhere, dossier_owner;
CREATE INDEX dossier_submitted ON dossier (submitted_at, code) WHERE NOT archived;
CREATE INDEX dossier_agency ON dossier (receiving_agency, submitted_at, code) WHERE NOT archived;
CREATE INDEX dossier_elsewhere ON dossier (competent_agency, submitted_at, code)
    WHERE competent_agency <> receiving_agency AND NOT archived;
-- A citizen's own are few, wherever they are.
CREATE INDEX dossier_owner ON dossier (owner, submitted_at, code) WHERE owner <> '';
CREATE INDEX dossier_archived ON dossier (submitted_at, code) WHERE archived;
