"""A flow that is deployed, and a run that was triggered there, whatever it is deployed to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, List, Optional, Type

from falaj.errors import DeploymentUnavailable, FalajNotFound

if TYPE_CHECKING:
    from falaj.client.runs import Run


class TriggeredRun:
    """A run that a deployed flow was asked for; providers derive from it.

    `pathspec` is where the run is, or will be, found: `FlowName/RunID`. `home` is the folder of
    its records, or None for that of this process.
    """

    def __init__(self, name: str, pathspec: str, home: Optional[str] = None) -> None:
        """Stand for the run at `pathspec` of the deployment `name`."""
        self.name = name
        self.pathspec = pathspec
        self.home = home

    @property
    def run(self) -> Optional[Run]:
        """The run as the client sees it, or None as long as it has not begun."""
        # Imported here: it loads SQLite.
        from falaj.client.opening import open_run
        from falaj.home import find_home

        flow, _, run = self.pathspec.partition("/")
        try:
            return open_run(self.home or find_home().root, flow, run)
        except FalajNotFound:
            return None

    def wait_for_run(self, check_interval: float = 5, timeout: Optional[float] = None) -> Run:
        """Wait until the run has begun, looking every `check_interval` seconds; return it.

        Raises TimeoutError after `timeout` seconds.
        """
        limit = None if timeout is None else time.monotonic() + timeout
        while True:
            run = self.run
            if run is not None:
                return run
            _pause(check_interval, limit, "{} has not begun".format(self.pathspec))

    def wait_for_completion(
        self, check_interval: float = 5, timeout: Optional[float] = None
    ) -> None:
        """Wait until the run has ended, looking every `check_interval` seconds.

        Raises TimeoutError after `timeout` seconds.
        """
        limit = None if timeout is None else time.monotonic() + timeout
        while True:
            run = self.run
            if run is not None and run.finished:
                return
            _pause(check_interval, limit, "{} has not ended".format(self.pathspec))

    @property
    def status(self) -> Optional[str]:
        """The run's state, as `Run.state` has it; None as long as it has not begun."""
        run = self.run
        return None if run is None else run.state

    @property
    def is_running(self) -> bool:
        """Whether the run has begun and not ended."""
        run = self.run
        return run is not None and not run.finished

    def suspend(self, **kwargs: Any) -> bool:
        """Let no further task start, until `unsuspend`."""
        raise _cannot(self, "suspend a run")

    def unsuspend(self, **kwargs: Any) -> bool:
        """Let tasks start again."""
        raise _cannot(self, "go on with a run")

    def terminate(self, **kwargs: Any) -> bool:
        """Stop the run; return whether it was running."""
        raise _cannot(self, "stop a run")


class DeployedFlow:
    """A flow as it is deployed under a name; providers derive from it.

    `metadata` is what the provider wants to be given besides the name, to find it again.
    """

    TYPE: ClassVar[Optional[str]] = None

    def __init__(self, name: str, flow_name: str, metadata: Optional[str] = None) -> None:
        """Stand for the deployment `name` of the flow `flow_name`."""
        self.name = name
        self.flow_name = flow_name
        self.metadata = metadata

    @property
    def production_token(self) -> Optional[str]:
        """The token that whoever deploys to this name needs; None where none is needed."""
        return None

    def trigger(self, **kwargs: Any) -> TriggeredRun:
        """Ask for a run with these parameters."""
        raise _cannot(self, "trigger a run")

    def delete(self, **kwargs: Any) -> bool:
        """Remove the deployment; return whether it was there. Its runs stay."""
        raise _cannot(self, "delete a deployment")

    @classmethod
    def from_deployment(
        cls, identifier: str, metadata: Optional[str] = None, impl: str = "local"
    ) -> DeployedFlow:
        """Return the deployment `identifier` of the provider `impl`."""
        return _of(cls, impl).from_deployment(identifier, metadata)

    @classmethod
    def list_deployed_flows(
        cls, flow_name: Optional[str] = None, impl: str = "local"
    ) -> List[DeployedFlow]:
        """Return the deployments of the provider `impl`, of one flow where it is named."""
        return _of(cls, impl).list_deployed_flows(flow_name)

    @classmethod
    def get_triggered_run(
        cls, identifier: str, run_id: str, metadata: Optional[str] = None, impl: str = "local"
    ) -> TriggeredRun:
        """Return the run `run_id` that the deployment `identifier` was asked for."""
        return _of(cls, impl).get_triggered_run(identifier, run_id, metadata)


def _of(cls: Type[DeployedFlow], impl: str) -> Type[DeployedFlow]:
    # Imported here: a provider is found by its name, and derives from the classes above.
    from falaj.runner.providers import provider

    if cls is not DeployedFlow:
        raise _cannot(cls, "look up deployments")
    kind: Type[DeployedFlow] = provider(impl).deployed_flow_type()
    return kind


def _cannot(what: object, action: str) -> DeploymentUnavailable:
    kind = what if isinstance(what, type) else type(what)
    return DeploymentUnavailable("{} can't {}.".format(kind.__name__, action))


def _pause(seconds: float, limit: Optional[float], what: str) -> None:
    if limit is not None:
        seconds = min(seconds, limit - time.monotonic())
        if seconds <= 0:
            raise TimeoutError("{} within the time given.".format(what))
    time.sleep(seconds)
