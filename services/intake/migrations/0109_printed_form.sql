-- Forms as they were issued: printed again, each is the same paper.
CREATE TABLE printed_form (
    dossier text NOT NULL,
    -- motcua.intake.v1.Form.
    form smallint NOT NULL,
    -- 1 for the first of this form.
    issue integer NOT NULL,
    -- Which request for a supplement it is about; 1 for what comes once only.
    occasion integer NOT NULL,
    -- The template and its version: mau01-1.
    template text NOT NULL,
    -- What was filled in. Sealed with the person's key: erased with it.
    content bytea NOT NULL,
    issued_at timestamptz NOT NULL,
    PRIMARY KEY (dossier, form, issue)
);

-- Whoever asks has seen the dossier first; nobody lists these.
ALTER TABLE printed_form ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON printed_form USING (current_setting('motcua.reach', true) = '*') WITH CHECK (true);
