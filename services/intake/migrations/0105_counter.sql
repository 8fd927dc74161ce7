-- Other systems' codes are unique within their system; '' is one that was not named. The second constraint is a rule, so its name is
-- not a row's key; the first lets a dossier be written again.
ALTER TABLE external_code
    DROP CONSTRAINT external_code_once,
    ADD COLUMN system text NOT NULL DEFAULT '',
    ADD PRIMARY KEY (code, system, dossier),
    ADD CONSTRAINT external_code_once UNIQUE (code, system);

-- What holds of a dossier beside its status: a bit each, by the number of intake.v1.DossierFlag. Only what waits for somebody is
-- flagged, so that the index stays small.
ALTER TABLE dossier ADD COLUMN flags integer NOT NULL DEFAULT 0;
CREATE INDEX dossier_flagged ON dossier (submitted_at, code) WHERE flags <> 0;
