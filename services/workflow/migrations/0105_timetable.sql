-- By the calendars of which catalog the dues of open cases were reckoned last; one row.
CREATE TABLE timetable (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    catalog text NOT NULL
);
