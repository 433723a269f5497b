"""The composition root: from a request to a run under way, every part made here by keyword."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from falaj import liveness
from falaj.authoring.projects import settle_project
from falaj.model.graph import FlowDescription, Graph
from falaj.model.states import CANCELLED, RUN_SUCCESSFUL, TOLERATED
from falaj.store.blobs import BlobStore
from falaj_control.engine.capacity import this_machine
from falaj_control.engine.context import Parts, RunPlan
from falaj_control.engine.options import (
    RunOptions,
    decorated,
    resume_command,
    settle_options,
    system_tags,
    write_run_id,
)
from falaj_control.engine.orders import RunFacts, graph_record
from falaj_control.engine.run import Engine
from falaj_control.executors.local import LocalExecutor
from falaj_control.launching import Launcher, outfit_for
from falaj_control.plan.planner import Planner
from falaj_control.plan.tasks import Origin
from falaj_control.ports.clock import SystemClock
from falaj_control.ports.executing import Executor
from falaj_control.ports.preparing import NoEnvironments
from falaj_control.ports.requests import LOCAL_DATASTORE, LOCAL_EXECUTOR, RunRequest
from falaj_control.ports.secrets import NoSecrets, Secrets
from falaj_control.ports.watching import RunOutcome, Watcher
from falaj_control.records.origins import OriginRun, look_before
from falaj_control.records.recorder import NewRun, Recorder
from falaj_control.settings import Settings, read_settings

if TYPE_CHECKING:
    from falaj_control.secrets.sources import StepSecrets
    from falaj_control.spinning import Spin


def make_start(launcher: Launcher) -> Callable[[RunRequest, Watcher], int]:
    """Return the function that carries out a request and gives the exit status."""

    def start(request: RunRequest, watcher: Watcher) -> int:
        return start_run(launcher, read_settings(), request, watcher)

    return start


def start_run(launcher: Launcher, settings: Settings, request: RunRequest, watcher: Watcher) -> int:
    """Record a run, carry it out, and return the exit status of the command."""
    clock = SystemClock()
    started = clock.monotonic()
    wanted = request.resume
    spin = _spin(settings, request, clock.wall())
    if spin is not None:
        settings, earlier = spin.settings, spin.origin
    else:
        earlier = look_before(settings.home, wanted.origin if wanted else None, clock.wall())
    before: Mapping[str, Any] = earlier.options if earlier else {}
    options = settle_options(request, before)
    description = decorated(request.description, options.decospecs)
    if spin is not None:
        description = spin.trimmed(description)
    project = settle_project(description, request.branch, settings.user, before.get("project"))
    options = options._replace(project=project)
    trigger = request.trigger or (earlier.trigger if earlier else ())
    capacity = this_machine(settings)
    capacity.check(description)
    wanted_secrets = _secrets_of(description, settings)
    described: Mapping[str, str] = earlier.environments if earlier else {}
    outfit = outfit_for(
        launcher, settings, description, (options.environment, described), request.locked
    )
    graph = Graph(description)
    BlobStore(settings.home.store).sweep()
    uploads_of = None
    if options.datastore != LOCAL_DATASTORE and spin is None:
        # Imported here: most runs keep everything in the home alone.
        from falaj_control.datastores.choosing import open_datastore

        uploads_of = open_datastore(options.datastore, settings.home.store)
    # Made before the run is recorded: one that can't be made leaves no run behind.
    executor = _executor(launcher, options, description, settings)
    recorder = Recorder(settings.home)
    run = recorder.create_run(
        NewRun(
            flow=description.name,
            user=settings.user,
            script=description.file,
            created_at=clock.wall(),
            # The run that a spin is about is in other records.
            origin=earlier.id if earlier and not spin else None,
            graph=graph_record(description),
            options={
                **options._asdict(),
                "cwd": launcher.interpreter.cwd,
                "package": launcher.interpreter.package,
                **({"spin": spin.record} if spin else {}),
            },
            lease=liveness.process_lease(),
            steps=graph.order,
            tags=options.tags,
            system_tags=system_tags(settings.user, clock.wall(), project),
            trigger=trigger,
        )
    )
    if request.run_id_file:
        write_run_id(request.run_id_file, run)
    if request.attribute_file:
        # Imported here: what a person types has no such file.
        from falaj_control.engine.attributes import run_attributes, write_attributes

        told = run_attributes(description.name, run, settings.home)
        write_attributes(request.attribute_file, told)
    plan = RunPlan(
        description=description,
        graph=graph,
        facts=RunFacts(
            flow=description.name,
            run=run,
            store=settings.home.store,
            user=settings.user,
            namespace=options.seen_namespace(settings.user),
            origin=earlier.id if earlier else None,
            tags=options.tags,
            constants=launcher.constants,
            show_values=request.show_values,
            fresh=_needs_fresh_interpreters(launcher, options.isolation, watcher),
            spawn=options.isolation == "spawn",
            protocol=outfit.protocol if outfit is not None else 5,
            project=project,
            trigger=trigger,
            spin=spin.facts if spin else None,
        ),
        given=dict(request.parameters),
        origin_parameters=earlier.parameters if earlier else None,
        max_workers=options.max_workers,
        max_log_bytes=options.max_log_bytes,
        includes=options.includes,
    )
    environments = outfit.preparation(executor.wake) if outfit is not None else NoEnvironments()
    if spin is not None:
        planner: Planner = spin.planner(graph)
    else:
        planner = Planner(graph, _origin(graph, earlier, wanted.step if wanted else None))
    secrets: Secrets = NoSecrets()
    if wanted_secrets:
        # Imported here: most flows have no secrets.
        from falaj_control.secrets.keeping import KeptSecrets

        secrets = KeptSecrets(wanted_secrets, executor.wake)
    parts = Parts(
        planner=planner,
        executor=executor,
        environments=environments,
        recorder=recorder,
        capacity=capacity,
        watcher=watcher,
        clock=clock,
        settings=settings,
        secrets=secrets,
        uploads=uploads_of(recorder, executor.wake) if uploads_of is not None else None,
    )
    status = 1
    try:
        engine = Engine(plan, parts)
        watcher.run_started(description.name, run, plan.facts.origin if spin is None else None)
        if project is not None:
            watcher.note("Project: {project_name}, branch: {branch_name}".format(**project))
        end = engine.run()
        status = _exit_status(end.state)
        failure = engine.failure
        seconds = clock.monotonic() - started
        engine.call_exit_hooks(end)
        outcome = RunOutcome(
            run=run,
            flow=description.name,
            state=end.state,
            reason=end.reason,
            seconds=seconds,
            failed_task=failure.task if failure else None,
            error=failure.error if failure else None,
            tolerated=engine.tolerated if end.state == TOLERATED else 0,
            resume_command=resume_command(launcher.program, description.file, run)
            if spin is None
            else "",
            spun=spin.replay.pathspec if spin else "",
        )
        if request.notify:
            # Imported here: most runs tell nobody.
            from falaj_control.notifiers.telling import event_of, tell_all

            event = event_of(outcome, settings.user, options.tags, clock.wall())
            tell_all(request.notify, event, settings.notify_timeout, executor, watcher.note)
        watcher.run_ended(outcome)
    finally:
        environments.close()
        executor.close(status)
        recorder.close()
    return status


def _executor(
    launcher: Launcher, options: RunOptions, description: FlowDescription, settings: Settings
) -> Executor:
    def local() -> Executor:
        forks_anyway = options.isolation == "fork"
        parts = launcher.link, launcher.interpreter, launcher.falaj_root
        return LocalExecutor(*parts, forks_anyway)

    if options.executor == LOCAL_EXECUTOR:
        return local()
    # Imported here: most runs stay on this machine.
    from falaj_control.executors.choosing import make_executor

    return make_executor(options.executor, local, description, settings)


def _spin(settings: Settings, request: RunRequest, now: float) -> Spin | None:
    if request.spin is None:
        return None
    # Imported here: a run needs none of it.
    from falaj_control.spinning import prepare_spin

    return prepare_spin(settings, request.spin, request.description, now)


def _secrets_of(description: FlowDescription, settings: Settings) -> Mapping[str, StepSecrets]:
    if all(step.decorator("secrets") is None for step in description.steps):
        return {}
    from falaj_control.secrets.sources import secrets_of

    return secrets_of(description, settings)


def _exit_status(state: str) -> int:
    if state == CANCELLED:
        return 130
    return 0 if state in RUN_SUCCESSFUL else 1


def _origin(graph: Graph, earlier: OriginRun | None, step: str | None) -> Origin | None:
    if earlier is None:
        return None
    rerun = graph.descendants([step]) if step is not None else frozenset[str]()
    return Origin(earlier.id, earlier.tasks, rerun, step)


def _needs_fresh_interpreters(launcher: Launcher, isolation: str, watcher: Watcher) -> bool:
    if isolation == "auto" and launcher.fork_unsafe:
        watcher.note(
            f"Each task gets a fresh interpreter, because {launcher.fork_unsafe}; "
            "--isolation fork is faster and at your own risk."
        )
        return True
    return isolation == "spawn"
