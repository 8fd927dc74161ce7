-- Catalogs as they were applied: a dossier keeps the one that it was submitted under.
CREATE TABLE catalog (
    id text PRIMARY KEY,
    -- Order of application: the last is in force.
    number bigint GENERATED ALWAYS AS IDENTITY,
    -- motcua.type.v1.Catalog.
    body bytea NOT NULL
);
