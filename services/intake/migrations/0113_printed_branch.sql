-- The branch of a linked procedure whose paper it is, by the step that called it; empty for the dossier's own.
ALTER TABLE printed_form ADD COLUMN branch text NOT NULL DEFAULT '';
ALTER TABLE printed_form DROP CONSTRAINT printed_form_pkey, ADD PRIMARY KEY (dossier, form, branch, issue);
