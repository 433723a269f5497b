"""Runner: starts runs of a flow's file from another program, and follows them."""

from __future__ import annotations

import os
import time
from typing import Any, Dict, List, Mapping, Optional, Tuple, TypeVar

from falaj.authoring.wording import near_miss
from falaj.errors import FalajException
from falaj.runner.attributes import complaint, read_attributes
from falaj.runner.commandline import COMMANDS, TOP_LEVEL, Call, call_of
from falaj.runner.commands import Command, surroundings, this_python
from falaj.runner.executing import ExecutingRun, ExecutingTask

_LOOK_EVERY = 0.01
_Self = TypeVar("_Self", bound="Runner")
_Begun = Tuple[Command, Dict[str, Any]]


class Runner:
    """Runs a flow's file as `python FILE COMMAND` would, from another program or a notebook.

    Keyword arguments of the methods are the options and parameters of the command; those of
    Runner itself come before the command. The run ends with this process, unless `detached`.
    """

    # What errors call it.
    _name = "Runner"

    def __init__(
        self,
        flow_file: str,
        show_output: bool = True,
        profile: Optional[str] = None,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        file_read_timeout: int = 3600,
        detached: bool = False,
        **top_level_kwargs: Any,
    ) -> None:
        """Prepare to run `flow_file` in the folder `cwd` with the variables of `env` added.

        `show_output` shows what is printed where a method waits. `file_read_timeout` is how many
        seconds a run may take to be recorded. Raises FileNotFoundError for a file or folder that
        is not there.
        """
        if profile is not None:
            raise FalajException(
                "profile={!r}: Falaj has no profiles. Set what is in it by env=, such as "
                "env={{'FALAJ_HOME': '/data/falaj'}}.".format(profile)
            )
        self.flow_file = _existing_file(flow_file)
        self.cwd = _existing_folder(cwd)
        self.show_output = show_output
        self.env_vars: Dict[str, str] = surroundings(env)
        self.file_read_timeout = file_read_timeout
        self.detached = detached
        self.top_level_kwargs = top_level_kwargs
        self._commands: List[Command] = []

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cleanup()

    async def __aenter__(self: _Self) -> _Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cleanup()

    def run(self, **kwargs: Any) -> ExecutingRun:
        """Run the flow and wait for its end.

        Raises ValueError for an argument that the flow's `run` doesn't have or that is missing,
        TypeError for a value of the wrong type, RunNotStarted where no run came about.
        """
        return ExecutingRun(self, *self._wait("run", kwargs))

    def resume(self, **kwargs: Any) -> ExecutingRun:
        """Resume a run and wait for the end; `step_to_rerun` names a step to run again.

        Raises as `run` does.
        """
        return ExecutingRun(self, *self._wait("resume", kwargs))

    def spin(self, pathspec: str, **kwargs: Any) -> ExecutingTask:
        """Run a single step again on the inputs of an earlier task, and wait for its end.

        Raises as `run` does.
        """
        return ExecutingTask(self, *self._wait("spin", dict(kwargs, pathspec=pathspec)))

    async def async_run(self, **kwargs: Any) -> ExecutingRun:
        """Start a run and return as soon as it is recorded. Raises as `run` does."""
        return ExecutingRun(self, *await self._start("run", kwargs))

    async def async_resume(self, **kwargs: Any) -> ExecutingRun:
        """Resume a run and return as soon as the new one is recorded. Raises as `run` does."""
        return ExecutingRun(self, *await self._start("resume", kwargs))

    async def async_spin(self, pathspec: str, **kwargs: Any) -> ExecutingTask:
        """Start a single step and return as soon as that is recorded. Raises as `run` does."""
        return ExecutingTask(self, *await self._start("spin", dict(kwargs, pathspec=pathspec)))

    def cleanup(self) -> None:
        """Delete the files with the output of what has ended; what still runs goes on."""
        for command in self._commands:
            command.cleanup()
        self._commands = [one for one in self._commands if one.returncode is None]

    def _wait(self, verb: str, kwargs: Dict[str, Any]) -> _Begun:
        top, call = self._calls(verb, verb, kwargs)
        command = self._command(verb, top, call, own_session=self.detached)
        command.sync_wait(self.show_output)
        return self._begun(command, top, call)

    async def _start(self, verb: str, kwargs: Dict[str, Any]) -> _Begun:
        # Imported here: asyncio is large, and a program that only waits does without.
        import asyncio

        top, call = self._calls("async_" + verb, verb, kwargs)
        # What goes on in the background is not stopped by a Ctrl-C that is meant for another cell.
        command = self._command(verb, top, call, own_session=True)
        limit = time.monotonic() + self.file_read_timeout
        try:
            while command.returncode is None and read_attributes(command) is None:
                if time.monotonic() > limit:
                    break
                await asyncio.sleep(_LOOK_EVERY)
        except BaseException:
            command.cancel()
            raise
        if read_attributes(command) is None and command.returncode is None:
            command.timeout = True
            command.cancel()
        return self._begun(command, top, call)

    def _calls(self, method: str, verb: str, kwargs: Mapping[str, Any]) -> Tuple[Call, Call]:
        top = call_of(self._name + "()", TOP_LEVEL, self.top_level_kwargs)
        return top, call_of("{}.{}()".format(self._name, method), COMMANDS[verb], kwargs)

    def _command(self, verb: str, top: Call, call: Call, own_session: bool) -> Command:
        command = Command(
            [this_python(), self.flow_file, *top.words, verb, *call.words],
            self.env_vars,
            self.cwd,
            call.kinds,
            self.detached,
            own_session,
        )
        self._commands.append(command)
        return command

    def _begun(self, command: Command, top: Call, call: Call) -> _Begun:
        said = read_attributes(command)
        if said is not None and "run_id" in said:
            return command, said
        command.cancel()
        problem = complaint(said, command, call, top)
        command.cleanup()
        raise problem


def _existing_file(path: str) -> str:
    full = os.path.abspath(os.path.expanduser(os.fspath(path)))
    if os.path.isfile(full):
        return full
    folder, name = os.path.split(full)
    others: List[str] = []
    if os.path.isdir(folder):
        others = [one for one in os.listdir(folder) if one.endswith(".py")]
    raise FileNotFoundError(
        "There is no flow file {}{}.".format(full, near_miss(name, others))
        if not os.path.isdir(full)
        else "{} is a folder; name the flow's file in it.".format(full)
    )


def _existing_folder(path: Optional[str]) -> str:
    full = os.path.abspath(os.path.expanduser(os.fspath(path or os.getcwd())))
    if not os.path.isdir(full):
        raise FileNotFoundError("cwd: there is no folder {}.".format(full))
    return full
