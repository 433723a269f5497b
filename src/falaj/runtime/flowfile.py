"""Importing a flow's file by path, without running its command line."""

from __future__ import annotations

import sys
import types
from typing import List, Optional

from falaj.authoring.flowspec import FlowSpec
from falaj.compat import switch_on_if_asked


class FlowCalled(BaseException):
    """Raised out of a flow file where its flow is called and only its class is wanted."""

    def __init__(self, flow_class: type) -> None:
        super().__init__(flow_class)
        self.flow_class = flow_class


_state = {"only_wanted": False}


def stop_if_only_wanted(flow_class: type) -> None:
    """Called when a flow is: leave its file where only the class was asked for."""
    if _state["only_wanted"]:
        raise FlowCalled(flow_class)


def load_flow(
    path: str, source: bytes, package: Optional[str], flow: Optional[str]
) -> "tuple[types.ModuleType, Optional[type]]":
    """Import a flow file as `__main__` without running its command line.

    Returns the module and the flow called `flow`, or the one that the file itself calls.
    """
    # Imported here: the launcher imports this module before it starts control.
    import linecache

    switch_on_if_asked()
    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__package__ = package
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    text = source.decode("utf-8", "replace")
    # Tracebacks show the lines that run, also once the file has been edited.
    linecache.cache[path] = (len(source), None, text.splitlines(True), path)
    code = compile(source, path, "exec", dont_inherit=True)
    called: Optional[type] = None
    _state["only_wanted"] = True
    try:
        exec(code, module.__dict__)
    except FlowCalled as found:
        called = found.flow_class
    finally:
        _state["only_wanted"] = False
    named = getattr(module, flow, None) if flow else None
    return module, named if isinstance(named, type) else called


def flows_in(module: types.ModuleType) -> List[type]:
    """Return the flow classes that a module itself defines."""
    return [
        value
        for value in list(vars(module).values())
        if isinstance(value, type)
        and issubclass(value, FlowSpec)
        and value.__module__ == module.__name__
    ]
