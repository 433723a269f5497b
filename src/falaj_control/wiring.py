"""The composition root: from a request to a run under way, every part made here by keyword."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from falaj import liveness
from falaj.authoring.decorators import attach
from falaj.errors import StoreUnavailable
from falaj.model.graph import Graph
from falaj.model.states import CANCELLED, RUN_SUCCESSFUL, TOLERATED
from falaj.store.blobs import BlobStore
from falaj_control.engine.capacity import this_machine
from falaj_control.engine.context import Parts, RunPlan
from falaj_control.engine.orders import RunFacts, graph_record
from falaj_control.engine.run import Engine
from falaj_control.executors.hosts import HostLink, Interpreter
from falaj_control.executors.local import LocalExecutor
from falaj_control.plan.planner import Planner
from falaj_control.plan.tasks import Origin
from falaj_control.ports.clock import SystemClock
from falaj_control.ports.requests import RunRequest
from falaj_control.ports.watching import RunOutcome, Watcher
from falaj_control.records.database import open_records, unavailable
from falaj_control.records.origins import OriginRun, declare_lost, read_origin, read_origin_tasks
from falaj_control.records.recorder import NewRun, Recorder
from falaj_control.settings import Settings, read_settings


@dataclass(frozen=True)
class Launcher:
    """The process that imported the flow: our connection to it and what it said of itself."""

    link: HostLink
    interpreter: Interpreter
    constants: tuple[str, ...]
    fork_unsafe: str
    program: str
    falaj_root: str


def make_start(launcher: Launcher) -> Callable[[RunRequest, Watcher], int]:
    """Return the function that carries out a request and gives the exit status."""

    def start(request: RunRequest, watcher: Watcher) -> int:
        return start_run(launcher, read_settings(), request, watcher)

    return start


def start_run(launcher: Launcher, settings: Settings, request: RunRequest, watcher: Watcher) -> int:
    """Record a run, carry it out, and return the exit status of the command."""
    clock = SystemClock()
    started = clock.monotonic()
    description = attach(request.description, request.decospecs)
    capacity = this_machine(settings)
    capacity.check(description)
    graph = Graph(description)
    origin_run = _prepare(settings, request, clock.wall())
    options = run_options(request, origin_run)
    if origin_run is not None:
        # A resumed run keeps the decorators that its origin was given from outside.
        description = attach(description, options["decospecs"])
        graph = Graph(description)
    planner = Planner(graph, _origin(settings, request, graph, origin_run))
    BlobStore(settings.home.store).sweep()
    recorder = Recorder(settings.home)
    named = options["namespace"]
    namespace = f"user:{settings.user}" if named is None else named or None
    tags = tuple(options["tags"])
    run = recorder.create_run(
        NewRun(
            flow=description.name,
            user=settings.user,
            script=description.file,
            created_at=clock.wall(),
            origin=None if origin_run is None else origin_run.id,
            graph=graph_record(description),
            options=options,
            lease=liveness.process_lease(),
            steps=graph.order,
            tags=tags,
            system_tags=system_tags(settings, clock.wall()),
        )
    )
    fresh = _is_fresh(launcher, request, watcher)
    facts = RunFacts(
        flow=description.name,
        run=run,
        store=settings.home.store,
        user=settings.user,
        namespace=namespace,
        origin=None if origin_run is None else origin_run.id,
        tags=tags,
        constants=launcher.constants,
        fresh=fresh,
    )
    executor = LocalExecutor(launcher.link, launcher.interpreter, launcher.falaj_root)
    engine = Engine(
        plan=RunPlan(
            description=description,
            graph=graph,
            facts=facts,
            given=dict(request.parameters),
            origin_parameters=None if origin_run is None else origin_run.parameters,
            max_workers=request.max_workers,
            max_log_bytes=request.max_log_bytes,
        ),
        parts=Parts(
            planner=planner,
            executor=executor,
            recorder=recorder,
            capacity=capacity,
            watcher=watcher,
            clock=clock,
            settings=settings,
        ),
    )
    if request.run_id_file:
        write_run_id(request.run_id_file, run)
    watcher.run_started(description.name, run, facts.origin)
    status = 1
    try:
        end = engine.run()
        status = 0 if end.state in RUN_SUCCESSFUL else 1
        failure = engine.failure
        if end.state == CANCELLED:
            status = 130
        outcome = RunOutcome(
            run=run,
            flow=description.name,
            state=end.state,
            reason=end.reason,
            seconds=clock.monotonic() - started,
            failed_task=None if failure is None else failure.task,
            error=None if failure is None else failure.error,
            tolerated=engine.tolerated if end.state == TOLERATED else 0,
            resume_command=resume_command(launcher.program, description.file, run),
        )
        watcher.run_ended(outcome)
    finally:
        executor.close(status)
        recorder.close()
    return status


def run_options(request: RunRequest, origin: OriginRun | None) -> dict[str, Any]:
    """Return the options that are recorded with the run; a resumed one takes its origin's."""
    options: dict[str, Any] = {
        "parameters": dict(request.parameters),
        "decospecs": list(request.decospecs),
        "max_workers": request.max_workers,
        "max_log_bytes": request.max_log_bytes,
        "tags": list(request.tags),
        "namespace": request.namespace,
        "isolation": request.isolation,
        "arguments": list(request.arguments),
    }
    if origin is None:
        return options
    for name in ("parameters", "namespace"):
        options[name] = origin.options.get(name)
    for name in ("decospecs", "tags"):
        options[name] = [*origin.options.get(name, ()), *options[name]]
    return options


def system_tags(settings: Settings, now: float) -> tuple[str, ...]:
    """Return the tags that every run of this user and day has."""
    import time

    from falaj.version import VERSION

    return (
        f"user:{settings.user}",
        "runtime:local",
        f"date:{time.strftime('%Y-%m-%d', time.localtime(now))}",
        f"falaj_version:{VERSION}",
        "python_version:{}.{}.{}".format(*sys.version_info[:3]),
    )


def resume_command(program: str, file: str, run: int) -> str:
    """Return what a person types to resume a run."""
    if program == "falaj":
        return f"falaj resume {os.path.relpath(file)} --origin-run-id {run}"
    return f"{program} resume --origin-run-id {run}"


def write_run_id(path: str, run: int) -> None:
    """Write the run's number to the file that --run-id-file names, whole or not at all."""
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(temporary, "w") as file:
            file.write(str(run))
        os.replace(temporary, path)
    except OSError as error:
        raise StoreUnavailable(f"Can't write the run id to {path}: {error.strerror}.") from error


def _prepare(settings: Settings, request: RunRequest, now: float) -> OriginRun | None:
    connection = open_records(settings.home)
    try:
        declare_lost(connection, now)
        if request.resume is None:
            return None
        return read_origin(connection, request.resume.origin)
    except sqlite3.Error as error:
        raise unavailable(settings.home, error) from error
    finally:
        connection.close()


def _origin(
    settings: Settings, request: RunRequest, graph: Graph, origin_run: OriginRun | None
) -> Origin | None:
    if origin_run is None or request.resume is None:
        return None
    connection = open_records(settings.home)
    try:
        tasks = read_origin_tasks(connection, origin_run.id)
    except sqlite3.Error as error:
        raise unavailable(settings.home, error) from error
    finally:
        connection.close()
    step = request.resume.step
    rerun = graph.descendants([step]) if step is not None else frozenset[str]()
    return Origin(origin_run.id, tasks, rerun, step)


def _is_fresh(launcher: Launcher, request: RunRequest, watcher: Watcher) -> bool:
    if request.isolation == "auto" and launcher.fork_unsafe:
        watcher.note(
            f"Each task gets a fresh interpreter, because {launcher.fork_unsafe}; "
            "--isolation fork is faster and at your own risk."
        )
        return True
    return request.isolation == "spawn"


def launcher_from(hello: Mapping[str, Any], link: HostLink, falaj_root: str) -> Launcher:
    """Return the launcher that introduced itself with `hello`."""
    source = ""
    try:
        with open(hello["file"], "rb") as file:
            source = file.read().decode("latin-1")
    except OSError:
        # A flow without a file (a notebook) can be forked, not started afresh.
        pass
    return Launcher(
        link=link,
        interpreter=Interpreter(
            python=hello["python"],
            flags=tuple(hello["flags"]),
            file=hello["file"],
            source=source,
            package=hello["package"],
            flow=hello["flow"],
            cwd=hello["cwd"],
            arguments=tuple(hello["arguments"]),
        ),
        constants=tuple(hello.get("constants", ())),
        fork_unsafe=hello["fork_unsafe"],
        program=hello["program"],
        falaj_root=falaj_root,
    )
