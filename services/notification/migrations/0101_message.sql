-- Messages to people. Columns are what queries ask for; `state` is the whole. Neither addresses nor words are kept.
CREATE TABLE message (
    -- A UUID.
    id text PRIMARY KEY,
    dossier text NOT NULL,
    -- On whose behalf: it is shown to this agency.
    agency text NOT NULL,
    -- As motcua.notification.v1.MessageState: 1 waits, 2 sent, 3 given up.
    phase smallint NOT NULL,
    queued_at timestamptz NOT NULL,
    -- When the next attempt is due; null once it has ended.
    next_at timestamptz,
    state json NOT NULL
);

-- Lists: of a dossier, in any of some states, and all, in the order of queueing; and an agency's, in each state.
CREATE INDEX message_dossier ON message (dossier, queued_at, id);
CREATE INDEX message_phase ON message (phase, queued_at, id);
CREATE INDEX message_queued ON message (queued_at, id);
CREATE INDEX message_agency ON message (agency, phase, queued_at, id);
-- What waits to be sent. It stays small however many messages have ended.
CREATE INDEX message_due ON message (next_at) WHERE next_at IS NOT NULL;

-- Beneath what the program asks for: whoever reads for somebody finds nothing else (0004_scope.sql). Templates, and their
-- words in `statement`, are the whole city's.
ALTER TABLE message ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON message USING (reaches(current_setting('motcua.reach', true), ARRAY[agency])) WITH CHECK (true);

-- Templates that were written here; those that come with the software have no row. The words of every version lie in
-- `statement`.
CREATE TABLE template (
    id text PRIMARY KEY,
    version integer NOT NULL,
    updated_at timestamptz NOT NULL
);
