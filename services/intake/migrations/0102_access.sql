-- Who read whose personal data, and why. Nothing here is ever changed.
CREATE TABLE access (
    -- A UUID of version 7: in the order of time.
    id uuid PRIMARY KEY,
    accessed_at timestamptz NOT NULL,
    actor text NOT NULL,
    -- motcua.type.v1.Role.
    role smallint NOT NULL,
    method text NOT NULL,
    -- Sealed with the person's key: it may say whose matter it is.
    purpose bytea NOT NULL,
    dossier text NOT NULL
);
CREATE INDEX access_dossier ON access (dossier, id);
CREATE INDEX access_actor ON access (actor, id);

-- For those who see the whole city; which of them, the contract says.
ALTER TABLE access ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON access USING (current_setting('motcua.reach', true) = '*') WITH CHECK (true);
