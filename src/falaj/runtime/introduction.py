"""What a host tells control of itself: the flow that it imported, and how its interpreter is."""

from __future__ import annotations

import linecache
import os
import sys
from typing import Any, Dict, List, Mapping, Optional, Tuple

from falaj.authoring.collect import describe
from falaj.authoring.flowspec import FlowSpec
from falaj.authoring.settling import bind_configs, bind_parameters, bind_private_values
from falaj.authoring.taskstate import constants_of
from falaj.errors import (
    ConfigError,
    ConfigUsage,
    CustomDecoratorError,
    DecoratorError,
    FalajException,
    InvalidFlow,
)
from falaj.model.graph import FlowDescription
from falaj.runtime.failure import describe_exception
from falaj.runtime.flowfile import flows_in
from falaj.runtime.shapes import problem_of, shape_of, wire_form


def introduce(
    flow_class: type, told: Mapping[str, Any]
) -> "Tuple[Optional[FlowDescription], Dict[str, Any]]":
    """Return the flow's description, where it is valid, and the message that carries it.

    `told` is what shapes the flow from outside of its source; see falaj.runtime.shapes.
    """
    module = sys.modules[flow_class.__module__]
    hello: Dict[str, Any] = {
        "flow": flow_class.__name__,
        "description": None,
        "problems": [],
        "fault": "",
        "shape": {},
        "file": os.path.abspath(getattr(module, "__file__", None) or ""),
        "package": getattr(module, "__package__", None),
        "python": sys.executable,
        "flags": _interpreter_flags(),
        "fork_unsafe": fork_hazard(),
        "siblings": [other.__name__ for other in flows_in(module) if other is not flow_class],
        "cwd": os.getcwd(),
    }
    description: Optional[FlowDescription] = None
    try:
        shape = shape_of(flow_class, hello["file"], told)
        description = describe(flow_class, shape)
        _keep_lines()
        hello["description"] = description.to_wire()
        hello["constants"] = sorted(
            {
                *constants_of(flow_class, FlowSpec),
                *(p.attribute for p in (*description.parameters, *description.configs)),
            }
        )
        bind_parameters(flow_class, description)
        bind_private_values(flow_class, FlowSpec)
        if shape is not None:
            hello["shape"] = wire_form(shape, told)
            bind_configs(flow_class, description)
    except InvalidFlow as error:
        hello["problems"] = error.problems
    except FalajException as error:
        hello["problems"] = [problem_of(error, lambda cause: describe_exception(cause).traceback)]
        hello["fault"] = _kind_of(error)
    return description, hello


def _kind_of(error: FalajException) -> str:
    if isinstance(error, ConfigUsage):
        return "usage"
    told_so = isinstance(error, (ConfigError, CustomDecoratorError, DecoratorError))
    return error.headline if told_so else ""


def _keep_lines() -> None:
    # Tracebacks show the lines that run, also once a file has been edited; without a time of its
    # own an entry is taken as it is.
    for path, entry in list(linecache.cache.items()):
        if len(entry) == 4:
            size, _, lines, full_name = entry
            linecache.cache[path] = (size, None, lines, full_name)


def _interpreter_flags() -> List[str]:
    flags = ["-" + "O" * sys.flags.optimize] if sys.flags.optimize else []
    return flags + ["-W{}".format(option) for option in sys.warnoptions]


def fork_hazard() -> str:
    """Say why forking this process would not be safe, or return nothing."""
    if sys.platform != "linux":
        return "forking is not safe on {}".format(sys.platform)
    threading = sys.modules.get("threading")
    if threading is not None:
        others = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
        if others:
            return "importing the flow started threads ({})".format(", ".join(others[:3]))
    torch = sys.modules.get("torch.cuda")
    if torch is not None and getattr(torch, "is_initialized", lambda: False)():
        return "importing the flow initialized CUDA"
    jax = sys.modules.get("jax._src.xla_bridge")
    if jax is not None and getattr(jax, "_backends", None):
        return "importing the flow started a JAX backend"
    return ""
