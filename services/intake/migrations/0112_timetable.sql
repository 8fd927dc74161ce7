-- By the calendars of which catalog what is awaited of agencies was reckoned last; one row.
CREATE TABLE timetable (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    catalog text NOT NULL
);
-- Those that wait for acceptance, or for the agency that decides to take them over (DOSSIER_FLAG_TRANSFER_WAITING), by code.
CREATE INDEX dossier_awaited ON dossier (code) WHERE status = 1 OR flags & 1048576 <> 0;
