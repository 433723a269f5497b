"""Print how long it takes to look at every task of a foreach, and how many there are.

Of each task: whether it is well, its index, what it printed, its facts, one artifact's size and
value, the tasks that it started from, and those that followed.
"""

import json
import time

from falaj import Flow, namespace

namespace(None)
began = time.perf_counter()
count = 0
for task in Flow("FanFlow").latest_run["body"]:
    assert task.successful
    assert task["value"].data == task.index
    assert task["value"].size
    assert task.stdout == ""
    assert task.metadata_dict["user"]
    assert [path.split("/")[2] for path in task.parent_task_pathspecs] == ["start"]
    assert [path.split("/")[2] for path in task.child_task_pathspecs] == ["join"]
    count += 1
print(json.dumps({"seconds": time.perf_counter() - began, "tasks": count}))
