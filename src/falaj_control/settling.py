"""What a request comes to: all that can be refused before there is a run is settled here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from falaj.authoring.projects import settle_project
from falaj.model.graph import FlowDescription, Graph
from falaj_control.engine.capacity import Capacity, this_machine
from falaj_control.engine.options import RunOptions, decorated, settle_options
from falaj_control.executors.local import LocalExecutor
from falaj_control.launching import Launcher, outfit_for
from falaj_control.ports.executing import Executor
from falaj_control.ports.requests import LOCAL_DATASTORE, LOCAL_EXECUTOR, RunRequest
from falaj_control.records.origins import OriginRun, look_before
from falaj_control.records.recorder import Recorder
from falaj_control.settings import Settings

if TYPE_CHECKING:
    from falaj_control.outfitting import Outfit
    from falaj_control.ports.storing import Uploads
    from falaj_control.secrets.sources import StepSecrets
    from falaj_control.spinning import Spin


class Settled(NamedTuple):
    """What a run is made from; `settings` are those of its records, which a spin has of its own.

    `earlier` is the run that is resumed or spun from. `uploads` makes what carries blobs to the
    run's datastore, where it has one.
    """

    settings: Settings
    options: RunOptions
    description: FlowDescription
    graph: Graph
    earlier: OriginRun | None
    spin: Spin | None
    trigger: Sequence[Mapping[str, Any]]
    capacity: Capacity
    secrets: Mapping[str, StepSecrets]
    outfit: Outfit | None
    uploads: Callable[[Recorder, Callable[[], None]], Uploads] | None
    executor: Executor

    @property
    def resumed(self) -> int | None:
        """The run that this one resumes; the one that a spin is about is in other records."""
        return self.earlier.id if self.earlier is not None and self.spin is None else None


def settle(launcher: Launcher, settings: Settings, request: RunRequest, now: float) -> Settled:
    """Return what the request comes to; what it raises leaves no run behind."""
    spin = _spin(settings, request, now)
    if spin is not None:
        settings, earlier = spin.settings, spin.origin
    else:
        wanted = request.resume
        earlier = look_before(settings.home, wanted.origin if wanted else None, now)
    before: Mapping[str, Any] = earlier.options if earlier else {}
    options = settle_options(request, before)
    description = decorated(request.description, options.decospecs)
    if spin is not None:
        description = spin.trimmed(description)
    project = settle_project(description, request.branch, settings.user, before.get("project"))
    options = options._replace(project=project)
    capacity = this_machine(settings)
    capacity.check(description)
    described: Mapping[str, str] = earlier.environments if earlier else {}
    return Settled(
        settings=settings,
        options=options,
        description=description,
        graph=Graph(description),
        earlier=earlier,
        spin=spin,
        trigger=request.trigger or (earlier.trigger if earlier else ()),
        capacity=capacity,
        secrets=_secrets_of(description, settings),
        outfit=outfit_for(
            launcher, settings, description, (options.environment, described), request.locked
        ),
        uploads=_uploads(options, settings) if spin is None else None,
        executor=_executor(launcher, options, description, settings),
    )


def _uploads(
    options: RunOptions, settings: Settings
) -> Callable[[Recorder, Callable[[], None]], Uploads] | None:
    if options.datastore == LOCAL_DATASTORE:
        return None
    # Imported here: most runs keep everything in the home alone.
    from falaj_control.datastores.choosing import open_datastore

    return open_datastore(options.datastore, settings.home.store)


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
