"""A kind of environment that a package gives: what it is asked, and what it has to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class AskedEnvironment(NamedTuple):
    """What `@custom_environment` of a step asks for, on one platform.

    `options` are those of the decorator, `folder` is the flow's. `interpreter` is a Python of this
    machine of the version that is asked for, `version` its full version, and `platform` is one of
    uv's, such as x86_64-unknown-linux-gnu.
    """

    options: Mapping[str, Any]
    folder: str
    interpreter: str
    version: str
    platform: str


class EnvironmentWork(Protocol):
    """How a kind tells what it does, and runs tools that end when the run does."""

    tell: Callable[[str], None]
    """Show a short line of progress."""

    def check(self) -> None:
        """Raise where the work is not wanted any more; to be called now and then."""
        ...

    def run(self, command: Sequence[str], environ: Mapping[str, str], cwd: str) -> Any:
        """Run a tool to its end; return its `status`, and what it printed as `out` and `err`."""
        ...


class EnvironmentKind(Protocol):
    """Makes environments of one kind; called from threads, for several at once."""

    def resolve(self, asked: AskedEnvironment, work: EnvironmentWork) -> Mapping[str, Any]:
        """Return, as JSON values, all that decides what is installed: the lock.

        It is kept with the run, on the machine and in the lock file, and stands for the same
        environment from then on.
        """
        ...

    def install(
        self, locked: Mapping[str, Any], asked: AskedEnvironment, prefix: str, work: EnvironmentWork
    ) -> None:
        """Make the environment in the folder `prefix`, which is empty, with `bin/python` in it.

        What raises leaves nothing behind. The folder does not move afterwards.
        """
        ...
