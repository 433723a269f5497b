"""Print as JSON when the tasks of the latest run of a flow ran, and what they timed themselves."""

import json
import sys

from falaj import Flow, namespace

namespace(None)
run = Flow(sys.argv[1]).latest_run
found = {"successful": run.successful}
for step in run:
    task = step.task
    row = {"began": task.created_at.timestamp(), "ended": task.finished_at.timestamp()}
    if sys.argv[1] == "ArrayFlow" and step.id == "start":
        row["body_ended"] = task.data.body_ended
    if sys.argv[1] == "ArrayFlow" and step.id == "look":
        row.update(first_access=task.data.first_access, looked_at=task.data.looked_at)
    found[step.id] = row
print(json.dumps(found))
