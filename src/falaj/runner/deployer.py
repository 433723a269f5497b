"""Deployer: hands a flow's file to what runs it later, by schedule, event or request."""

from __future__ import annotations

import os
from typing import Any, Callable, ClassVar, Dict, Mapping, Optional, Type

from falaj.authoring.wording import near_miss
from falaj.runner.deployed import DeployedFlow
from falaj.runner.providers import KNOWN, available, provider
from falaj.runner.runner import Runner


class DeployerImpl:
    """Deploys one flow to one kind of place; providers derive from it and register themselves.

    TYPE is the provider's name, such as `argo-workflows`; `deployer_kwargs` are the arguments of
    the Deployer's method of that name. `runner` runs the flow's file with the Deployer's own
    arguments.
    """

    TYPE: ClassVar[Optional[str]] = None

    def __init__(self, runner: Runner, deployer_kwargs: Dict[str, Any]) -> None:
        """Deploy the flow of `runner`."""
        self.runner = runner
        self.flow_file = runner.flow_file
        self.deployer_kwargs = deployer_kwargs

    def create(self, **kwargs: Any) -> DeployedFlow:
        """Deploy the flow, or deploy it anew, and return the deployment."""
        raise NotImplementedError

    @staticmethod
    def deployed_flow_type() -> Type[DeployedFlow]:
        """Return the class of this provider's deployments."""
        raise NotImplementedError


class Deployer:
    """Deploys a flow's file; each provider that is there is a method, `Deployer(file).name()`.

    A method takes what the provider wants, such as name=, and returns an object whose `create`
    deploys. The keyword arguments here are those of Runner.
    """

    def __init__(
        self,
        flow_file: str,
        show_output: bool = True,
        profile: Optional[str] = None,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        file_read_timeout: int = 3600,
        **top_level_kwargs: Any,
    ) -> None:
        """Prepare to deploy `flow_file`. Raises as Runner does."""
        self._runner = Runner(
            os.fspath(flow_file),
            show_output=show_output,
            profile=profile,
            env=env,
            cwd=cwd,
            file_read_timeout=file_read_timeout,
            **top_level_kwargs,
        )
        self.flow_file = self._runner.flow_file

    def __getattr__(self, name: str) -> Callable[..., DeployerImpl]:
        """Return the method of a provider; it raises DeploymentUnavailable for one that is not
        there."""
        if name not in KNOWN and name not in available():
            raise AttributeError(
                "Deployer has no provider `{}`{}.".format(name, near_miss(name, available()))
            )

        def method(**kwargs: Any) -> DeployerImpl:
            made: DeployerImpl = provider(name)(self._runner, kwargs)
            return made

        return method
