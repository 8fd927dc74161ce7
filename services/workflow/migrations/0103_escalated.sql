-- So much of the budget was used that the agency's leader is to know.
ALTER TABLE task ADD COLUMN escalated boolean NOT NULL DEFAULT false;
