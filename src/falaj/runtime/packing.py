"""The process of `package`: imports a flow and stores what a run would keep as its code.

Its request is a JSON object on stdin with `file`, `flow`, `package`, `arguments` (those of the
command line), `store` (the folder of blobs to write to), `travels` (whether packages travel with
the run), `includes`, `shape` (configs and decorators from outside) and `answer` (the file for the
digest of the listing).
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict, Optional

from falaj.errors import FalajException, InvalidFlow
from falaj.model.orders import SNAPSHOT, TRAVEL, Order, Report
from falaj.runtime.failure import describe_exception
from falaj.runtime.flowfile import load_flow
from falaj.runtime.introduction import introduce
from falaj.runtime.snapshot import take_snapshot


def main() -> int:
    """Do what the request on stdin asks; return 0, or 1 after what is wrong on stderr."""
    request: Dict[str, Any] = json.load(sys.stdin)
    # What the flow's file prints is not what was asked for.
    os.dup2(2, 1)
    sys.argv = [request["file"], *request["arguments"]]
    sys.path.insert(0, os.path.dirname(request["file"]))
    try:
        with open(request["file"], "rb") as file:
            source = file.read()
        _, flow_class = load_flow(request["file"], source, request["package"], request["flow"])
        report = _pack(flow_class, request)
    except (Exception, SystemExit) as error:
        sys.stderr.write(describe_exception(error).traceback)
        return 1
    if report.manifest is None:
        sys.stderr.write(report.error.traceback if report.error is not None else "")
        return 1
    with open(request["answer"], "w") as answer:
        answer.write(report.manifest)
    return 0


def _pack(flow_class: Any, request: Dict[str, Any]) -> Report:
    if flow_class is None:
        raise FalajException("{file} does not define {flow}.".format(**request))
    description, hello = introduce(flow_class, request["shape"])
    if description is None:
        # Its file says something else here than where it was launched.
        raise InvalidFlow(hello["problems"])
    travelled: Optional[str] = None
    if request["travels"]:
        # Imported here: few flows have code that travels.
        from falaj.runtime.travelling import pack_travellers

        context = {"store": request["store"], "includes": request["includes"]}
        report = pack_travellers(description, _order(TRAVEL, request, context), flow_class)
        if report.manifest is None:
            return report
        travelled = report.manifest
    context = {"store": request["store"], "travelled": travelled}
    return take_snapshot(description, _order(SNAPSHOT, request, context), flow_class)


def _order(kind: str, request: Dict[str, Any], context: Dict[str, Any]) -> Order:
    return Order(kind, request["flow"], 0, "", 0, 0, (), (), None, {}, context)
