"""The longer statements of the recorder."""

from __future__ import annotations

INSERT_TASK = (
    "INSERT INTO tasks (run, id, step, indices, iteration, state, reason, cause, parents, "
    "origin_run, origin_task, attempt, manifest, transition, label, created_at, finished_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
# A final state absorbs: what comes later changes nothing.
UPDATE_TASK = (
    "UPDATE tasks SET state = ?, reason = ?, cause = ?, attempt = ?, manifest = ?, transition = ?, "
    "label = ?, finished_at = ? WHERE run = ? AND id = ? AND state IN ('running', 'retrying')"
)
INSERT_ATTEMPT = (
    "INSERT INTO attempts (run, task, number, state, started_at, pid) "
    "VALUES (?, ?, ?, 'running', ?, ?)"
)
END_ATTEMPT = (
    "UPDATE attempts SET state = ?, reason = ?, finished_at = ?, exit_code = ?, "
    "error = ?, manifest = ?, usage = ?, profile = ? WHERE run = ? AND task = ? AND number = ? "
    "AND state = 'running'"
)
INSERT_EVENT = (
    "INSERT INTO events (run, at, actor, kind, task, attempt, reason) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
