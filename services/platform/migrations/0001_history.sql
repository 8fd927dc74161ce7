-- What every service keeps beside its own rows: its history, the answers it gave, how far it has followed others.

-- Where the history stands. One row; its lock, taken last, makes positions dense and in the order of commit.
CREATE TABLE feed_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL,
    -- New whenever the history may have forgotten something: after a restore or a promotion.
    epoch bigint NOT NULL,
    -- Cluster and timeline that the epoch was taken on: another pair means a new epoch.
    lineage text NOT NULL,
    recorded_at timestamptz NOT NULL
);
INSERT INTO feed_head (position, epoch, lineage, recorded_at) VALUES (0, 0, '', '-infinity');

-- The legal history, the outbox and the audit trail at once.
CREATE TABLE event (
    position bigint PRIMARY KEY,
    kind smallint NOT NULL,
    -- The dossier's code; the resource's name where it belongs to no dossier.
    dossier text NOT NULL,
    -- Resource name: `dossiers/H24.11593-250701-0007`.
    name text NOT NULL,
    agency text NOT NULL,
    request_id uuid,
    recorded_at timestamptz NOT NULL,
    -- motcua.events.v1.Event without position and recorded_at.
    body bytea NOT NULL
);
CREATE INDEX event_dossier ON event (dossier, position);

-- Answers of accepted commands, kept for 30 days: the same request gets the first answer again.
CREATE TABLE request (
    principal text NOT NULL,
    method text NOT NULL,
    id uuid NOT NULL,
    digest bytea NOT NULL,
    -- As in its events: where they are found again.
    dossier text NOT NULL,
    name text NOT NULL,
    answer bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (id, principal, method)
);
CREATE INDEX request_age ON request USING brin (recorded_at);

-- Dense numbers, such as the dossier code's per agency and day.
CREATE TABLE counter (
    name text PRIMARY KEY,
    value bigint NOT NULL
) WITH (fillfactor = 50);

-- What was said in words: reasons, lists, particulars. Events name the revision and carry no word of it.
CREATE TABLE statement (
    name text NOT NULL,
    kind smallint NOT NULL,
    revision integer NOT NULL,
    body text NOT NULL,
    ground text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (name, kind, revision)
);

-- How far another service's history has been followed. The row's lock is the lease.
CREATE TABLE follower (
    source text PRIMARY KEY,
    epoch bigint NOT NULL,
    position bigint NOT NULL
) WITH (fillfactor = 50);

-- Dossiers set aside: one of their events could not be processed, or somebody parked them.
CREATE TABLE parked (
    source text NOT NULL,
    dossier text NOT NULL,
    reason text NOT NULL,
    parked_at timestamptz NOT NULL,
    PRIMARY KEY (source, dossier)
);
CREATE TABLE parked_event (
    source text NOT NULL,
    dossier text NOT NULL,
    position bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (source, dossier, position),
    FOREIGN KEY (source, dossier) REFERENCES parked
);
