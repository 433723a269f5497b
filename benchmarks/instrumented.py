"""Runs a flow with timers or a profiler around the parts of Falaj, whose sources stay as they are.

`instrumented.py MODE FOLDER FLOW ARGUMENTS...`: MODE is `usage` (what the kernel counts for each
process), `stages` (timers around the stages of a task) or `profile` (cProfile in control, host and
tasks). What was measured is left in FOLDER.
"""

from __future__ import annotations

import cProfile
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The stages of a task's process, in the order in which they begin; the number is the depth.
STAGES: tuple[tuple[int, str, str], ...] = (
    (0, "host", "become_task"),
    (0, "taskprocess", "execute"),
    (1, "execute", "_seed"),
    (1, "execute", "_announce"),
    (1, "execute", "_Attempt.__init__"),
    (2, "execute", "load_manifest"),
    (1, "execute", "_Attempt.run"),
    (2, "execute", "_Attempt._call_body"),
    (2, "execute", "_Attempt._transition"),
    (2, "execute", "_Attempt._commit"),
    (3, "authoring.taskstate", "save"),
    (4, "store.artifacts", "encode"),
    (4, "store.artifacts", "preview"),
    (3, "authoring.taskstate", "save_manifest"),
    (2, "execute", "_Attempt._label"),
    (1, "execute", "_usage"),
    (0, "taskprocess", "_finish_up"),
    (0, "taskprocess", "_flush"),
)
_BOOT = (
    "import sys; sys.path.insert(0, {{root!r}}); sys.path.extend({{paths!r}}); "
    "sys.path.append({here!r}); import instrumented; "
    "instrumented.control({{file}}, {mode!r}, {folder!r})"
)
_really_exit = os._exit


def launcher(mode: str, folder: Path, arguments: list[str]) -> None:
    """Be the launcher of a flow, measured."""
    from falaj.runtime import host, launch

    here = str(Path(__file__).resolve().parent)
    launch._BOOT = _BOOT.format(here=here, mode=mode, folder=str(folder))
    task = _Task(mode, folder)
    if mode == "stages":
        task.watch_stages()
    profile = cProfile.Profile(time.thread_time)
    become_task, serve = host.become_task, host.Host.serve

    def begin_task(*given: Any) -> Any:
        profile.disable()
        task.begin()
        return become_task(*given)

    def measured_serve(self: Any) -> Any:
        before, began = _own_usage(), time.perf_counter()
        if mode == "profile":
            profile.enable()
        try:
            return serve(self)
        finally:
            profile.disable()
            if mode == "profile":
                profile.dump_stats(folder / "host.profile")
            spent = {name: now - before[name] for name, now in _own_usage().items()}
            children = resource.getrusage(resource.RUSAGE_CHILDREN)
            _write(
                folder / "usage-host.json",
                {
                    "host": spent,
                    "tasks": {"user": children.ru_utime, "system": children.ru_stime},
                    "wall": time.perf_counter() - began,
                },
            )

    host.become_task = begin_task
    host.Host.serve = measured_serve
    launch.launch_file(arguments)


def control(file: int, mode: str, folder: str) -> None:
    """Be the control process, measured."""
    profile = cProfile.Profile(time.thread_time)

    def leave(status: int) -> None:
        profile.disable()
        if mode == "profile":
            profile.dump_stats(os.path.join(folder, "control.profile"))
        _write(Path(folder) / "usage-control.json", _own_usage())
        _really_exit(status)

    os._exit = leave
    main = importlib.import_module("falaj_control.process").main
    if mode == "profile":
        profile.enable()
    main(file)


class _Task:
    """What is measured in one task's process; made in the host, begun after the fork."""

    def __init__(self, mode: str, folder: Path) -> None:
        self._mode = mode
        self._folder = folder
        self._times: dict[str, list[float]] = {}
        self._began = (0.0, 0.0)
        self._profile = cProfile.Profile(time.thread_time)

    def begin(self) -> None:
        """Start in a forked child."""
        os._exit = self._leave
        self._began = (time.perf_counter(), time.thread_time())
        if self._mode == "profile":
            self._profile.enable()

    def watch_stages(self) -> None:
        """Put timers around the stages that the current sources have."""
        for _, module_name, path in STAGES:
            place = module_name if "." in module_name else f"runtime.{module_name}"
            owner: Any = importlib.import_module(f"falaj.{place}")
            *outer, name = path.split(".")
            for part in outer:
                owner = getattr(owner, part, None)
            if hasattr(owner, name):
                setattr(owner, name, self._timer(path, getattr(owner, name)))

    def _timer(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timer(*given: Any, **named: Any) -> Any:
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*given, **named)
            finally:
                total = self._times.setdefault(name, [0.0, 0.0])
                total[0] += time.perf_counter() - wall
                total[1] += time.thread_time() - cpu

        return timer

    def _leave(self, status: int) -> None:
        wall, cpu = time.perf_counter() - self._began[0], time.thread_time() - self._began[1]
        if self._mode == "profile":
            self._profile.disable()
            self._profile.dump_stats(self._folder / f"task-{os.getpid()}.profile")
        elif self._mode == "stages":
            self._times["whole"] = [wall, cpu]
            file = os.open(self._folder / "stages", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.write(file, json.dumps(self._times).encode() + b"\n")
        _really_exit(status)


def _own_usage() -> dict[str, float]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"user": usage.ru_utime, "system": usage.ru_stime}


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))


if __name__ == "__main__":
    mode_name, folder_name, *rest = sys.argv[1:]
    sys.argv = rest
    launcher(mode_name, Path(folder_name), rest)
