"""What a member of a gang knows of the others: `current.parallel`, and variables for programs."""

from __future__ import annotations

import os
from typing import Any, Dict, NamedTuple, Optional

from falaj.model.orders import Order

# A range that torch.distributed's users expect, and that the kernel gives to nobody by itself.
_FIRST_PORT, _PORTS = 20000, 10000


class Parallel(NamedTuple):
    """A gang as one of its members sees it: the address of member 0, the size, its own number."""

    main_ip: str
    num_nodes: int
    node_index: int
    control_task_id: str


def membership(order: Order) -> Optional[Parallel]:
    """Return the place of the order's task in its gang; None where it is in none."""
    found = order.context.get("parallel")
    return None if found is None else Parallel(*found)


def announce_gang(order: Order) -> None:
    """Set the environment variables of a member, for itself and for the programs it starts."""
    member = membership(order)
    if member is None:
        return
    os.environ.update(
        MF_PARALLEL_MAIN_IP=member.main_ip,
        MF_PARALLEL_NUM_NODES=str(member.num_nodes),
        MF_PARALLEL_NODE_INDEX=str(member.node_index),
        MF_PARALLEL_CONTROL_TASK_ID=member.control_task_id,
    )
    options = order.options.get("pytorch_parallel")
    if options is not None:
        os.environ.update(_torch(member, order, options))


def _torch(member: Parallel, order: Order, options: Any) -> Dict[str, str]:
    # Gangs that run side by side, and a gang that is tried again, should not meet at one port.
    salt = 7919 * order.run + 31 * int(member.control_task_id) + order.attempt
    port = options["master_port"] or _FIRST_PORT + salt % _PORTS
    return {
        "MASTER_ADDR": member.main_ip,
        "MASTER_PORT": str(port),
        "NODE_RANK": str(member.node_index),
        "WORLD_SIZE": str(member.num_nodes),
        "NUM_NODES": str(member.num_nodes),
    }
