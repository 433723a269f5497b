"""A run, or a single task, that is under way in a process of its own, or has been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, AsyncIterator, Dict, Optional, Tuple, TypeVar

from falaj.runner.commands import Command

if TYPE_CHECKING:
    from falaj.client.runs import Run
    from falaj.client.tasks import Task

_Self = TypeVar("_Self", bound="ExecutingProcess")


class ExecutingProcess:
    """What a run and a task have in common; made by the methods of a Runner.

    As a context manager it deletes the files with the output at the end of the block. Use either
    this or the Runner so, not both.
    """

    def __init__(self, runner: Any, command_obj: Command, attributes: Dict[str, Any]) -> None:
        """Stand for the command of the Runner `runner` of which control has told `attributes`."""
        self.runner = runner
        self.command_obj = command_obj
        self._attributes = attributes

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.cleanup()

    async def __aenter__(self: _Self) -> _Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.runner.cleanup()

    def __repr__(self) -> str:
        return "<{}({!r}): {}>".format(type(self).__name__, self._pathspec, self.status)

    @property
    def _pathspec(self) -> str:
        names = ("flow_name", "run_id", "step_name", "task_id")
        return "/".join(str(self._attributes[name]) for name in names if name in self._attributes)

    async def wait(
        self: _Self, timeout: Optional[float] = None, stream: Optional[str] = None
    ) -> _Self:
        """Wait for the end; return this object.

        After `timeout` seconds the command is stopped, and `status` is `timeout`. Where `stream`
        is `stdout` or `stderr`, its lines are printed as they come.
        """
        await self.command_obj.wait(timeout, stream)
        return self

    @property
    def returncode(self) -> Optional[int]:
        """The exit status of the command; None while it runs."""
        return self.command_obj.returncode

    @property
    def status(self) -> str:
        """One of running, successful, failed, timeout (ended by `wait`)."""
        if self.command_obj.timeout:
            return "timeout"
        if self.returncode is None:
            return "running"
        return "failed" if self.returncode else "successful"

    @property
    def stdout(self) -> str:
        """What the command has printed so far on its stdout."""
        return self.command_obj.output("stdout")

    @property
    def stderr(self) -> str:
        """What the command has printed so far on its stderr."""
        return self.command_obj.output("stderr")

    async def stream_log(
        self, stream: str, position: Optional[int] = None
    ) -> AsyncIterator[Tuple[int, str]]:
        """Yield (position, line) for each line of `stdout` or `stderr`, as they are printed.

        A position that was yielded can be given later, to go on behind that line.
        """
        async for found in self.command_obj.stream_log(stream, position):
            yield found

    def cancel(self) -> None:
        """Stop the command and wait for its end; what has finished is kept and can be resumed."""
        self.command_obj.cancel()

    def kill(self) -> None:
        """End the command at once, with all of its tasks; a run is then lost, and resumable."""
        self.command_obj.kill()


class ExecutingRun(ExecutingProcess):
    """A run that is under way or has ended; `run` reads it, `status` says how it stands."""

    @property
    def run(self) -> Run:
        """The run as the client sees it, whatever the namespace and the home of this process."""
        # Imported here: it loads SQLite, and who only starts runs does without.
        from falaj.client.opening import open_run

        return open_run(
            self._attributes["home"], self._attributes["flow_name"], self._attributes["run_id"]
        )


class ExecutingTask(ExecutingProcess):
    """A single task, run by `spin`; `task` reads it, `status` says how it stands."""

    @property
    def task(self) -> Task:
        """The task as the client sees it; raises FalajNotFound before it has begun."""
        from falaj.client.opening import open_spun_task

        told = self._attributes
        return open_spun_task(told["home"], told["shares"], told["flow_name"], told["run_id"])
