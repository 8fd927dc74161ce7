-- The moment of reception, as the receipt says: an agency's register is kept by it, however long ago the dossier was submitted.
ALTER TABLE dossier ADD COLUMN received_at timestamptz;
UPDATE dossier SET received_at = (state->'reception'->>'received_at')::timestamptz
    WHERE state->'reception'->>'received_at' IS NOT NULL;
-- In the archive or not: a register is one list.
CREATE INDEX dossier_received ON dossier (receiving_agency, received_at) WHERE received_at IS NOT NULL;
