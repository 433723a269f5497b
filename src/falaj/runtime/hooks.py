"""An exit hook, in its own process: the function that the order names, called with the run."""

from __future__ import annotations

import os
import sys
from typing import Any, Callable

from falaj import home
from falaj.authoring.functions import kept
from falaj.errors import FalajNotFound
from falaj.model.orders import Order, Report
from falaj.runtime.failure import describe_exception


def call_hook(flow_class: type, order: Order) -> Report:
    """Call the function; what it raises is printed and part of the report."""
    root = os.path.dirname(str(order.context["store"]))
    os.environ[home.VARIABLE] = root
    try:
        function = _find(flow_class, str(order.context["function"]))
        if _takes_run(function):
            # Imported here: a hook that asks for no run does without the client.
            from falaj.client.access import Access
            from falaj.client.resolve import find_run
            from falaj.client.runs import run_from

            access = Access(root, None)
            function(run=run_from(find_run(access, order.flow, str(order.run))))
        else:
            function()
    except BaseException as error:
        if isinstance(error, SystemExit) and not error.code:
            return Report("succeeded", None, None, None, "", {})
        info = describe_exception(error)
        sys.stderr.write(info.traceback)
        return Report("failed", None, None, info, "", {})
    return Report("succeeded", None, None, None, "", {})


def _find(flow_class: type, name: str) -> Callable[..., Any]:
    function = kept(name) or getattr(sys.modules[flow_class.__module__], name, None)
    module, _, last = name.rpartition(".")
    if function is None and module:
        __import__(module)
        function = getattr(sys.modules[module], last, None)
    if not callable(function):
        raise FalajNotFound("There is no function `{}` to call as an exit hook.".format(name))
    return function


def _takes_run(function: Callable[..., Any]) -> bool:
    # Imported here: only the process of a hook needs it.
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        # Functions of C may not tell.
        return False
    return any(one.name == "run" or one.kind is one.VAR_KEYWORD for one in parameters)
