"""Print as JSON when the tasks of the latest run of a flow ran, and the numbers that they left."""

import json
import sys

from falaj import Flow, namespace

WANTED = ("body_ended", "first_access", "looked_at")

namespace(None)
run = Flow(sys.argv[1]).latest_run
found = {"state": run.successful}
for step in run:
    task = step.task
    row = {"began": task.created_at.timestamp(), "ended": task.finished_at.timestamp()}
    for name in WANTED:
        if name in task:
            row[name] = task[name].data
    found[step.id] = row
print(json.dumps(found))
