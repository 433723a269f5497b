"""The composition root: from a request to a run under way, every part made here by keyword."""

from __future__ import annotations

from collections.abc import Callable

from falaj import liveness
from falaj.model.graph import Graph
from falaj.model.states import CANCELLED, RUN_SUCCESSFUL, TOLERATED
from falaj.store.blobs import BlobStore
from falaj_control.engine.context import Parts, RunPlan
from falaj_control.engine.options import resume_command, system_tags
from falaj_control.engine.orders import RunFacts, graph_record
from falaj_control.engine.run import Engine
from falaj_control.executors.hosts import Interpreter
from falaj_control.launching import Launcher
from falaj_control.lifecycle.runs import RunEnd
from falaj_control.plan.planner import Planner
from falaj_control.plan.tasks import Origin
from falaj_control.ports.clock import Clock, SystemClock
from falaj_control.ports.preparing import NoEnvironments
from falaj_control.ports.requests import RunRequest
from falaj_control.ports.secrets import NoSecrets, Secrets
from falaj_control.ports.watching import RunOutcome, Watcher
from falaj_control.records.origins import OriginRun
from falaj_control.records.recorder import NewRun, Recorder
from falaj_control.settings import Settings, read_settings
from falaj_control.settling import Settled, settle


def make_start(launcher: Launcher) -> Callable[[RunRequest, Watcher], int]:
    """Return the function that carries out a request and gives the exit status."""

    def start(request: RunRequest, watcher: Watcher) -> int:
        return start_run(launcher, read_settings(), request, watcher)

    return start


def start_run(launcher: Launcher, settings: Settings, request: RunRequest, watcher: Watcher) -> int:
    """Record a run, carry it out, and return the exit status of the command."""
    clock = SystemClock()
    started = clock.monotonic()
    settled = settle(launcher, settings, request, clock.wall())
    BlobStore(settled.settings.home.store).sweep()
    recorder = Recorder(settled.settings.home)
    run = recorder.create_run(_new_run(settled, launcher.interpreter, clock.wall()))
    _tell_files(request, settled, run)
    plan = _plan(settled, launcher, request, run, watcher)
    parts = _parts(settled, request, recorder, watcher, clock)
    status = 1
    try:
        engine = Engine(plan, parts)
        watcher.run_started(settled.description.name, run, settled.resumed)
        if settled.options.project is not None:
            text = "Project: {project_name}, branch: {branch_name}"
            watcher.note(text.format(**settled.options.project))
        end = engine.run()
        status = _exit_status(end.state)
        seconds = clock.monotonic() - started
        engine.call_exit_hooks(end)
        outcome = _outcome(settled, launcher.program, run, (engine, end, seconds))
        if request.notify:
            # Imported here: most runs tell nobody.
            from falaj_control.notifiers.telling import event_of, tell_all

            event = event_of(outcome, settings.user, settled.options.tags, clock.wall())
            limit = settings.notify_timeout
            tell_all(request.notify, event, limit, parts.executor, watcher.note)
        watcher.run_ended(outcome)
    finally:
        parts.environments.close()
        parts.executor.close(status)
        recorder.close()
    return status


def _new_run(settled: Settled, interpreter: Interpreter, now: float) -> NewRun:
    settings, options, description = settled.settings, settled.options, settled.description
    return NewRun(
        flow=description.name,
        user=settings.user,
        script=description.file,
        created_at=now,
        origin=settled.resumed,
        graph=graph_record(description),
        options={
            **options._asdict(),
            "cwd": interpreter.cwd,
            "package": interpreter.package,
            **({"spin": settled.spin.record} if settled.spin else {}),
        },
        lease=liveness.process_lease(),
        steps=settled.graph.order,
        tags=options.tags,
        system_tags=system_tags(settings.user, now, options.project),
        trigger=settled.trigger,
    )


def _tell_files(request: RunRequest, settled: Settled, run: int) -> None:
    if not request.run_id_file and not request.attribute_file:
        return
    # Imported here: what a person types has no such file.
    from falaj_control.engine.attributes import run_attributes, write_attributes, write_run_id

    if request.run_id_file:
        write_run_id(request.run_id_file, run)
    if request.attribute_file:
        told = run_attributes(settled.description.name, run, settled.settings.home)
        write_attributes(request.attribute_file, told)


def _plan(
    settled: Settled, launcher: Launcher, request: RunRequest, run: int, watcher: Watcher
) -> RunPlan:
    settings, options, earlier = settled.settings, settled.options, settled.earlier
    return RunPlan(
        description=settled.description,
        graph=settled.graph,
        facts=RunFacts(
            flow=settled.description.name,
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
            protocol=settled.outfit.protocol if settled.outfit is not None else 5,
            project=options.project,
            trigger=settled.trigger,
            spin=settled.spin.facts if settled.spin else None,
        ),
        given=dict(request.parameters),
        origin_parameters=earlier.parameters if earlier else None,
        max_workers=options.max_workers,
        max_log_bytes=options.max_log_bytes,
        includes=options.includes,
    )


def _parts(
    settled: Settled, request: RunRequest, recorder: Recorder, watcher: Watcher, clock: Clock
) -> Parts:
    executor, wanted = settled.executor, request.resume
    if settled.spin is not None:
        planner: Planner = settled.spin.planner(settled.graph)
    else:
        origin = _origin(settled.graph, settled.earlier, wanted.step if wanted else None)
        planner = Planner(settled.graph, origin)
    secrets: Secrets = NoSecrets()
    if settled.secrets:
        # Imported here: most flows have no secrets.
        from falaj_control.secrets.keeping import KeptSecrets

        secrets = KeptSecrets(settled.secrets, executor.wake)
    outfit, uploads = settled.outfit, settled.uploads
    return Parts(
        planner=planner,
        executor=executor,
        environments=NoEnvironments() if outfit is None else outfit.preparation(executor.wake),
        recorder=recorder,
        capacity=settled.capacity,
        watcher=watcher,
        clock=clock,
        settings=settled.settings,
        secrets=secrets,
        uploads=None if uploads is None else uploads(recorder, executor.wake),
    )


def _outcome(
    settled: Settled, program: str, run: int, ended: tuple[Engine, RunEnd, float]
) -> RunOutcome:
    engine, end, seconds = ended
    failure, spin = engine.failure, settled.spin
    again = resume_command(program, settled.description.file, run) if spin is None else ""
    return RunOutcome(
        run=run,
        flow=settled.description.name,
        state=end.state,
        reason=end.reason,
        seconds=seconds,
        failed_task=failure.task if failure else None,
        error=failure.error if failure else None,
        tolerated=engine.tolerated if end.state == TOLERATED else 0,
        resume_command=again,
        spun=spin.replay.pathspec if spin else "",
    )


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
