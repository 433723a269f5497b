"""What a task's process does before and after the step's own code."""

from __future__ import annotations

import os
import resource
import sys
from typing import Dict

from falaj import home
from falaj.compat import is_asked_for
from falaj.model.graph import FlowDescription
from falaj.model.orders import Order
from falaj.runtime.current import set_current


def seed() -> None:
    """Give this process random numbers of its own."""
    # A forked child starts with its host's generators, which every sibling shares. The standard
    # library's own is seeded again by each fork; numpy's is not.
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed(int.from_bytes(os.urandom(4), "little"))


def mark_process(order: Order) -> None:
    """Say in the environment whose process this is, also to what it starts."""
    # The home that this run is in, also once the step has changed folder.
    os.environ[home.VARIABLE] = os.path.dirname(str(order.context["store"]))
    # What it starts can be told by this, should everybody who watches over it be killed at once.
    spun = "spin" in order.context
    os.environ[home.TASK_VARIABLE] = (
        "{}/{}".format(home.SPIN_FOLDER, order.pathspec) if spun else order.pathspec
    )


def announce(description: FlowDescription, order: Order) -> None:
    """Let `current`, the client and whatever the step starts know the task."""
    set_current(description, order)
    mark_process(order)
    if "parallel" in order.context:
        # Imported here: few steps are gangs.
        from falaj.runtime.gang import announce_gang

        announce_gang(order)
    if is_asked_for():
        # Flows that were written for Metaflow ask their environment, as programs they start do.
        os.environ.update(METAFLOW_RUN_ID=str(order.run), METAFLOW_RUNTIME_NAME="dev")
    own = order.context.get("namespace")
    if own != order.context.get("default_namespace"):
        # Imported here: the client is loaded where a step reads runs, or must not see its own.
        from falaj.client import namespace

        namespace(own)


def usage(wall: float) -> Dict[str, float]:
    """Return what this process and the children that it waited for used in `wall` seconds."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall": round(wall, 6),
        "cpu": round(own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime, 6),
        "memory": max(own.ru_maxrss, children.ru_maxrss) * 1024.0,
        # Linux counts blocks of 512 bytes, whatever the disk has.
        "read": (own.ru_inblock + children.ru_inblock) * 512.0,
        "written": (own.ru_oublock + children.ru_oublock) * 512.0,
    }
