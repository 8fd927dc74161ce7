-- What is known of each dossier, from the histories of three services.
CREATE TABLE fact (
    -- Byte order, which is also the order in which rows are locked.
    dossier text COLLATE "C" PRIMARY KEY,
    receiving_agency text NOT NULL DEFAULT '',
    procedure text NOT NULL DEFAULT '',
    -- The catalog that it stands under: it says which field (lĩnh vực) the procedure belongs to.
    catalog text NOT NULL DEFAULT '',
    -- motcua.type.v1.Channel.
    channel smallint NOT NULL DEFAULT 0,

    -- Each deciding instant stands beside the one at which its source wrote it down: reports are as of a day.
    received_at timestamptz,
    accepted_recorded_at timestamptz,
    refused_at timestamptz,
    refused_recorded_at timestamptz,
    -- Withdrawn after acceptance. It beats whatever the case came to.
    withdrawn_at timestamptz,
    withdrawn_recorded_at timestamptz,
    -- motcua.type.v1.Punctuality.
    withdrawn_as smallint NOT NULL DEFAULT 0,
    withdrawn_apologised boolean NOT NULL DEFAULT false,
    -- Finished or stopped.
    closed_at timestamptz,
    closed_recorded_at timestamptz,
    closed_as smallint NOT NULL DEFAULT 0,
    closed_apologised boolean NOT NULL DEFAULT false,
    closed_stopped boolean NOT NULL DEFAULT false,
    handed_over_at timestamptz,
    handed_over_recorded_at timestamptz,
    handed_over_at_home boolean NOT NULL DEFAULT false,

    -- The first instant at which it is overdue if nothing more happens; none while a hold keeps it in time.
    overdue_from timestamptz,
    -- Where that moved: each value with the instant at which it was written down. Null where it never moved.
    limit_recorded_at timestamptz[],
    limit_overdue_from timestamptz[],

    -- From everything recorded: when and how it was resolved, and the last instant at which that was written down.
    resolved_at timestamptz,
    resolved_as smallint NOT NULL DEFAULT 0,
    settled_recorded_at timestamptz,

    -- Working minutes of all its tasks.
    used_minutes bigint NOT NULL DEFAULT 0,
    -- Messages sent about it.
    sent_at timestamptz[] NOT NULL DEFAULT '{}',
    sent_recorded_at timestamptz[] NOT NULL DEFAULT '{}',
    last_sent_at timestamptz,

    -- Everything, as the sources told it; the columns above are computed from it.
    state json NOT NULL DEFAULT '{}'
) WITH (fillfactor = 70);

CREATE INDEX fact_agency ON fact (receiving_agency, dossier);
CREATE INDEX fact_agency_overdue ON fact (receiving_agency, dossier) WHERE resolved_at IS NULL OR resolved_as = 3;
CREATE INDEX fact_resolved ON fact (resolved_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX fact_settled ON fact (settled_recorded_at) WHERE settled_recorded_at IS NOT NULL;
CREATE INDEX fact_handed_over ON fact (handed_over_at) WHERE handed_over_at IS NOT NULL;
CREATE INDEX fact_refused ON fact (refused_at) WHERE refused_at IS NOT NULL;
CREATE INDEX fact_last_sent ON fact (last_sent_at) WHERE last_sent_at IS NOT NULL;
-- Those that are or may become overdue, and those that ended so.
CREATE INDEX fact_overdue ON fact (dossier) WHERE resolved_at IS NULL OR resolved_as = 3;

-- Sums by day. They change in the transaction of the facts that they are the sums of.
CREATE TABLE daily_counter (
    agency text COLLATE "C" NOT NULL,
    procedure text COLLATE "C" NOT NULL,
    day date NOT NULL,
    measure smallint NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (agency, procedure, day, measure)
) WITH (fillfactor = 70);

-- What each catalog says of its procedures.
CREATE TABLE procedure (
    catalog text NOT NULL,
    code text NOT NULL,
    -- Field (lĩnh vực), in Vietnamese.
    field text NOT NULL,
    -- Its place in the catalog, which is the order of the report.
    place integer NOT NULL,
    PRIMARY KEY (catalog, code)
);

-- Beneath what the program asks for: whoever reads for somebody finds nothing else (0004_scope.sql). Figures are the
-- receiving agency's.
ALTER TABLE fact ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON fact USING (reaches(current_setting('motcua.reach', true), ARRAY[receiving_agency])) WITH CHECK (true);
ALTER TABLE daily_counter ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON daily_counter USING (reaches(current_setting('motcua.reach', true), ARRAY[agency])) WITH CHECK (true);
