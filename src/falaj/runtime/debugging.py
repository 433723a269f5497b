"""The process of `falaj debug`: a recorded task, opened for a person in its own environment.

Its one argument is a file with a JSON object: `order` (the task's, as on the wire), `file` and
`flow` (what to import), `package`, `cwd`, `arguments`, `paths` (for sys.path, after the flow's
folder), `rerun` (run the step until it raises, else only open its state), `manifest` (what the
attempt left), `pdb`, and `code` (to run instead of a shell, or null).
"""

from __future__ import annotations

import json
import os
import sys
from types import FrameType, TracebackType
from typing import Any, Dict, Iterator, List, Optional, Tuple

from falaj.compat import advice_on
from falaj.errors import FalajException
from falaj.model.graph import FlowDescription
from falaj.model.orders import Order
from falaj.runtime.current import current
from falaj.runtime.failure import describe_exception
from falaj.runtime.flowfile import load_flow
from falaj.runtime.introduction import introduce
from falaj.runtime.localcode import installed_folders
from falaj.runtime.rehearsal import Rehearsal
from falaj.runtime.shells import open_debugger, open_shell, run_code


class CodeNotImported(FalajException):
    """A flow whose code can't be imported here."""

    headline = "The flow's code can't be imported"


class Raised:
    """What a step raised, and the frame of the user's in which it did."""

    def __init__(self, error: BaseException) -> None:
        """Find the frame: the innermost in a file of the user's own."""
        self.error = error
        frames = [one for one in _frames(error.__traceback__) if not _is_falaj(one[0])]
        outside = installed_folders()
        own = [number for number, one in enumerate(frames) if _is_users(one[0], outside)]
        # A number of frames above the innermost one, which may be a library's.
        self.above = len(frames) - 1 - own[-1] if own else 0
        self.frame, self.line = frames[own[-1] if own else -1] if frames else (None, 0)

    @property
    def place(self) -> str:
        """Function, file and line."""
        if self.frame is None:
            return "nowhere"
        code = self.frame.f_code
        return "{}, {}:{}".format(code.co_name, code.co_filename, self.line)

    def scope(self) -> Dict[str, Any]:
        """Return the names of that frame with their values, local ones over global ones."""
        if self.frame is None:
            return {}
        return {**self.frame.f_globals, **self.frame.f_locals}


def main(path: str) -> int:
    """Do what the request in the file `path` asks; return the exit status."""
    with open(path, encoding="utf-8") as file:
        request: Dict[str, Any] = json.load(file)
    try:
        flow_class, description, order = _import(request)
        task = Rehearsal(flow_class, description, order)
        if not request["rerun"]:
            return _open_state(request, task)
        raised = _perform(task)
    except FalajException as error:
        sys.stderr.write("{}: {}\n".format(error.headline, error))
        return 1
    if raised is None:
        _say("The step did not raise this time. This is its state at its end; nothing is kept.")
        return _open(request, _state_scope(task, task.flow), task)
    sys.stderr.write(describe_exception(raised.error).traceback)
    _say("Stopped in {}".format(raised.place))
    if request["pdb"]:
        open_debugger(_without_ours(raised.error.__traceback__), raised.above)
        return 0
    scope = dict(_state_scope(task, task.flow), **raised.scope())
    scope.setdefault("error", raised.error)
    return _open(request, scope, task)


def _import(request: Dict[str, Any]) -> "Tuple[type, FlowDescription, Order]":
    os.chdir(request["cwd"])
    path = request["file"]
    sys.argv = [path, *request["arguments"]]
    sys.path[:0] = [os.path.dirname(path), *request["paths"]]
    order = Order.from_wire(request["order"])
    try:
        with open(path, "rb") as file:
            source = file.read()
        _, flow_class = load_flow(path, source, request["package"], request["flow"])
    except OSError as error:
        raise CodeNotImported("{} can't be read: {}.".format(path, error.strerror)) from error
    except (Exception, SystemExit) as error:
        sys.stderr.write(describe_exception(error).traceback)
        raise CodeNotImported(
            "importing {} raised {}: {}.{}".format(
                path, type(error).__name__, str(error).rstrip("."), advice_on(error)
            )
        ) from error
    if flow_class is None:
        raise CodeNotImported("{} does not define {}.".format(path, request["flow"]))
    description, hello = introduce(flow_class, request["shape"])
    if description is None or hello["problems"]:
        raise CodeNotImported("\n".join(hello["problems"]))
    if order.step not in [step.name for step in description.steps]:
        raise CodeNotImported("{} has no step {} now.".format(request["flow"], order.step))
    context = dict(order.context, constants=hello["constants"])
    return flow_class, description, order._replace(context=context)


def _perform(task: Rehearsal) -> Optional[Raised]:
    # What the step prints is apart from what is asked of the debugger.
    sys.stdout.flush()
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        task.perform()
    except BaseException as error:
        return Raised(error)
    finally:
        sys.stdout.flush()
        os.dup2(output, 1)
        os.close(output)
    return None


def _open_state(request: Dict[str, Any], task: Rehearsal) -> int:
    flow = task.restored(request["manifest"])
    if request["manifest"] is None:
        _say("The attempt left nothing behind; this is what it started from.")
    return _open(request, _state_scope(task, flow), task)


def _state_scope(task: Rehearsal, flow: Any) -> Dict[str, Any]:
    scope: Dict[str, Any] = dict(vars(sys.modules["__main__"]))
    scope.update(self=flow, current=current)
    inputs = task.inputs()
    if inputs is not None:
        scope["inputs"] = inputs
    return scope


def _open(request: Dict[str, Any], scope: Dict[str, Any], task: Rehearsal) -> int:
    if request["code"] is not None:
        return run_code(request["code"], scope)
    names = "self, inputs, current" if "inputs" in scope else "self, current"
    if "error" in scope:
        names += ", error"
    open_shell("{}. There is {}. Leave with Ctrl-D.".format(task.order.pathspec, names), scope)
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _frames(trace: Optional[TracebackType]) -> "Iterator[Tuple[FrameType, int]]":
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _without_ours(trace: Optional[TracebackType]) -> Optional[TracebackType]:
    while trace is not None and trace.tb_next is not None and _is_falaj(trace.tb_frame):
        trace = trace.tb_next
    return trace


_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def _is_falaj(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OURS)


def _is_users(frame: FrameType, outside: List[str]) -> bool:
    name = frame.f_code.co_filename
    return not name.startswith("<") and not any(name.startswith(root) for root in outside)
