-- Definitions; the row is what a publication locks.
CREATE TABLE definition (
    id text PRIMARY KEY,
    -- The newest version.
    version integer NOT NULL
);

-- Every version, for good: running cases keep theirs.
CREATE TABLE definition_version (
    id text NOT NULL REFERENCES definition,
    version integer NOT NULL,
    -- SHA-256 of the content, in hexadecimal.
    digest text NOT NULL,
    -- motcua.workflow.v1.Definition.
    body bytea NOT NULL,
    PRIMARY KEY (id, version)
);
