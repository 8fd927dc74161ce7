-- The second wall between agencies, beneath the one in the program: rows that hold a dossier's data name their tenants, and
-- whoever reads or changes them names what it reaches.

-- Whether a reach covers something with these tenants. `*` covers everything; else tenants separated by commas: agencies by
-- code, `o:` and a principal for a citizen's own. An unset reach covers nothing.
-- Not in SQL: the planner would look into it, take it for highly selective, and read whole tables because of that.
CREATE FUNCTION reaches(reach text, tenants text[]) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 2
    AS 'BEGIN RETURN reach = ''*'' OR tenants && string_to_array(reach, '',''); END';

-- The service's own connections reach everything and check each row in their statements, because a batch holds many callers;
-- a connection that reads for somebody reaches what is set for the length of its transaction. What is written is not judged
-- again: who reads for somebody has no privilege to write.
ALTER TABLE event ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON event USING (reaches(current_setting('motcua.reach', true), ARRAY[agency])) WITH CHECK (true);
