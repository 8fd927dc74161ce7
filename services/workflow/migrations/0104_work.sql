-- Who stands in for whom. The columns are what is asked for; everything else is in the state.
CREATE TABLE substitution (
    -- `11593-250701-0001`.
    key text PRIMARY KEY,
    agency text NOT NULL,
    substitute text NOT NULL,
    -- When it is over, also where it was ended before its time.
    until_at timestamptz NOT NULL,
    state json NOT NULL
);
CREATE INDEX substitution_until ON substitution (until_at);
CREATE INDEX substitution_substitute ON substitution (substitute, until_at);
ALTER TABLE substitution ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON substitution USING (reaches(current_setting('motcua.reach', true), ARRAY[agency])) WITH CHECK (true);
