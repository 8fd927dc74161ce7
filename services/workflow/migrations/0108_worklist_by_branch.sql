-- A worklist goes by a branch's due where that comes first: what waits was written with the whole case's.
UPDATE task SET case_due_at = least(case_due_at, (branch ->> 'due_at')::timestamptz)
FROM cases, jsonb_array_elements(state::jsonb -> 'sub_cases') AS branch
WHERE cases.code = task.dossier AND task.state_number IN (1, 2)
      AND branch ->> 'finished_at' IS NULL
      AND branch ->> 'branch' = state::jsonb -> 'tasks' -> (task.number - 1) ->> 'call';
