-- What is to be given back is listed from now on, and so is what ended before: originals that lie here (22), money that nobody worked
-- for (23). Whoever ended later is flagged when it ends.
UPDATE dossier SET flags = flags | (1 << 22)
WHERE status IN (3, 7, 8) AND state::jsonb -> 'originals_returned' IS NULL
      AND jsonb_path_exists(state::jsonb, '$.papers[*].originals ? (@ > 0)');
UPDATE dossier SET flags = flags | (1 << 22)
WHERE status IN (3, 7, 8) AND state::jsonb -> 'originals_returned' IS NULL
      AND jsonb_path_exists(state::jsonb, '$.reception.papers[*].originals ? (@ > 0)');
UPDATE dossier SET flags = flags | (1 << 23)
WHERE status IN (3, 7, 8)
      AND jsonb_path_exists(state::jsonb, '$.payments[*] ? (!exists(@.refunded_at) || @.refunded_at == null)')
      AND (state::jsonb -> 'reception' IS NULL
           OR jsonb_path_exists(state::jsonb, '$.payments[*] ? (@.unworked == true && (!exists(@.refunded_at) || @.refunded_at == null))'));
-- Which other organisation helped is known by its statement's revision, as all that is said is.
UPDATE dossier SET state = jsonb_set(state::jsonb, '{revisions,32}', state::jsonb -> 'helping_revision')::json
WHERE coalesce((state::jsonb ->> 'helping_revision')::integer, 0) > 0 AND state::jsonb -> 'revisions' -> '32' IS NULL;
