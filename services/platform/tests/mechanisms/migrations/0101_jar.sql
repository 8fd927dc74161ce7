-- The tests' own aggregate: a jar with a sum of coins.
CREATE TABLE jar (
    code text PRIMARY KEY,
    version bigint NOT NULL,
    coins bigint NOT NULL CONSTRAINT jar_is_not_full CHECK (coins <= 1000),
    label text NOT NULL
);
CREATE UNIQUE INDEX jar_label ON jar (label) WHERE label <> '';
-- What the tests' followers saw, in the order in which they saw it.
CREATE TABLE seen (
    source text NOT NULL,
    position bigint NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (source, position)
);
