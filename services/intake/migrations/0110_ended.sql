-- When it came to its end, handed over or otherwise: lists ask for periods of it, however long ago a dossier was submitted.
ALTER TABLE dossier ADD COLUMN ended_at timestamptz;
UPDATE dossier SET ended_at = (state->>'status_since')::timestamptz WHERE status IN (3, 7, 8, 10);
-- In the archive or not, as dossier_received.
CREATE INDEX dossier_ended ON dossier (receiving_agency, ended_at) WHERE ended_at IS NOT NULL;
