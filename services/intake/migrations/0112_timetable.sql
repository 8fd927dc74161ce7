-- By the calendars of which catalog what is awaited of the agency was reckoned last; one row.
CREATE TABLE timetable (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    catalog text NOT NULL
);
-- Those that wait for acceptance, by their codes.
CREATE INDEX dossier_awaiting_answer ON dossier (code) WHERE status = 1;
