-- Personal data and free text are sealed by the application: what lies here is unreadable without the master key.

-- Where it lay in the clear before, only somebody who knows what it is can seal it.
DO $$ BEGIN
    IF EXISTS (SELECT FROM statement WHERE name NOT LIKE 'templates/%') THEN
        RAISE EXCEPTION 'statements about dossiers lie here in the clear, as an unreleased version wrote them: start with a new database';
    END IF;
END $$;

-- Secrets of this database's own, wrapped by the master key: the one that the blind indexes are derived from.
CREATE TABLE vault_secret (
    name text PRIMARY KEY,
    wrapped bytea NOT NULL,
    master_generation text NOT NULL
);

-- A key per agency and month. It wraps the keys of persons.
CREATE TABLE agency_key (
    agency text NOT NULL,
    -- Month of first use: `2025-07`.
    period text NOT NULL,
    generation integer NOT NULL,
    master_generation text NOT NULL,
    wrapped bytea NOT NULL,
    -- Real time, also where the suite's clock is simulated: replicas remember keys by it.
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agency, period, generation)
);

-- A key per person: what belongs to the person is sealed with it, and unreadable for ever once it is destroyed.
CREATE TABLE person_key (
    person uuid PRIMARY KEY,
    -- Blind index of the identity number; null where none is known, and once the key is destroyed.
    identity bytea,
    agency text NOT NULL,
    period text NOT NULL,
    generation integer NOT NULL,
    -- Null once it is destroyed.
    wrapped bytea,
    destroyed_at timestamptz
);
CREATE UNIQUE INDEX person_key_identity_pkey ON person_key (identity) WHERE identity IS NOT NULL;

-- Whose each dossier is, and the blind tokens that it is found by.
CREATE TABLE subject (
    dossier text PRIMARY KEY,
    person uuid NOT NULL,
    tokens bigint[] NOT NULL
);
CREATE INDEX subject_person ON subject (person);
-- New entries are merged into the index many at a time: each one by itself would cost as much as the dossier.
CREATE INDEX subject_tokens ON subject USING gin (tokens) WITH (gin_pending_list_limit = 16384);

ALTER TABLE statement
    ALTER COLUMN body TYPE bytea USING convert_to(body, 'UTF8'),
    ALTER COLUMN ground TYPE bytea USING convert_to(ground, 'UTF8');
COMMENT ON COLUMN statement.body IS 'sealed, but for the words of templates, which are nobody''s';

-- Their digests were not keyed.
DELETE FROM request;
