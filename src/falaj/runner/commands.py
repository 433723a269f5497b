"""A command of a flow that runs in a process of its own, with its output in files."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import IO, Any, AsyncIterator, Dict, List, Mapping, Optional, Tuple

from falaj.runner.interrupts import interrupts_call
from falaj.runner.tail import Tail, write_text

# What control reads of us lies beside the file that it writes to.
STARTER_SUFFIX = ".starter"
LOGS = ("stdout", "stderr")
_LOOK_EVERY = 0.02
# A person's Ctrl-C reaches the whole terminal; one that is sent to us alone is passed on later.
_PASS_ON_AFTER = 1.0
_STOP_WITHIN = 10.0


class Command:
    """One command: its words, its process, and the files that it prints to.

    `log_files` has the paths for `stdout` and `stderr`; `timeout` says that it was ended because
    it took too long.
    """

    def __init__(
        self,
        command: List[str],
        environ: Mapping[str, str],
        cwd: str,
        kinds: Mapping[str, str],
        detached: bool,
        own_session: bool,
    ) -> None:
        """Start `command` with an option that names the file where control tells what it did.

        Unless `detached`, control stops the command when this process is gone. One with a session
        of its own does not hear of Ctrl-C in the terminal.
        """
        self.timeout = False
        self._owner = os.getpid()
        self._detached = detached
        self._folder = tempfile.mkdtemp(prefix="falaj-runner-")
        self.attribute_file = os.path.join(self._folder, "attributes.json")
        self.command = [*command, "--runner-attribute-file", self.attribute_file]
        self.log_files: Dict[str, str] = {
            name: os.path.join(self._folder, name + ".log") for name in LOGS
        }
        self._hold: Optional[IO[str]] = None
        try:
            self._hold = self._introduce(kinds)
            self.process = self._start(environ, cwd, own_session)
        except BaseException:
            self._let_go()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        _kept.append(self)

    def _introduce(self, kinds: Mapping[str, str]) -> "IO[str]":
        file = open(self.attribute_file + STARTER_SUFFIX, "w", encoding="utf-8")
        json.dump({"kinds": kinds, "detached": self._detached}, file)
        file.flush()
        # A lock of this very process: a fork of it does not keep the run alive.
        fcntl.lockf(file, fcntl.LOCK_EX)
        return file

    def _start(
        self, environ: Mapping[str, str], cwd: str, own_session: bool
    ) -> "subprocess.Popen[bytes]":
        with open(self.log_files["stdout"], "wb") as out, open(
            self.log_files["stderr"], "wb"
        ) as err:
            return subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=dict(environ),
                cwd=cwd,
                start_new_session=own_session,
            )

    @property
    def returncode(self) -> Optional[int]:
        """The exit status, or None while the command runs."""
        status = self.process.poll()
        if status is not None:
            self._let_go()
        return status

    def output(self, stream: str) -> str:
        """Return what was printed so far to `stdout` or `stderr`."""
        with self._opened(stream) as file:
            return file.read().decode("utf-8", "replace")

    def _opened(self, stream: str) -> IO[bytes]:
        try:
            return open(self.log_files[stream], "rb")
        except FileNotFoundError:
            raise FileNotFoundError(
                "The {} of this command was deleted by cleanup(), or at the end of the `with` "
                "block. What tasks printed is kept with the run: task.{}.".format(stream, stream)
            ) from None

    def sync_wait(self, show_output: bool = False) -> None:
        """Wait for the end and show, if asked to, what is printed meanwhile.

        Ctrl-C stops the command; KeyboardInterrupt comes out once it has ended.
        """
        tails = [Tail(self.log_files[name], name) for name in self.log_files] if show_output else []
        try:
            self._follow(tails, None)
        except KeyboardInterrupt:
            self._stop_for_a_person(tails)
            raise

    def _follow(self, tails: List[Tail], seconds: Optional[float]) -> bool:
        limit = None if seconds is None else time.monotonic() + seconds
        while limit is None or time.monotonic() < limit:
            try:
                self.process.wait(_LOOK_EVERY)
            except subprocess.TimeoutExpired:
                pass
            ended = self.returncode is not None
            for tail in tails:
                tail.show(ended)
            if ended:
                return True
        return False

    def _stop_for_a_person(self, tails: List[Tail]) -> None:
        try:
            if not self._follow(tails, _PASS_ON_AFTER):
                self.send(signal.SIGINT)
                self._follow(tails, None)
        except KeyboardInterrupt:
            self.kill()

    async def wait(self, timeout: Optional[float] = None, stream: Optional[str] = None) -> None:
        """Wait for the end, up to `timeout` seconds, after which the command is stopped.

        What it prints to `stream` is printed here meanwhile.
        """
        # Imported here: asyncio is large, and a program that only waits does without.
        import asyncio

        if stream is not None:
            self._check_stream(stream)
        with interrupts_call(lambda: self.send(signal.SIGINT)):
            try:
                await asyncio.wait_for(self._finish(stream), timeout)
            except asyncio.TimeoutError:
                if self.returncode is None:
                    self.timeout = True
                    self.send(signal.SIGTERM)
                    await self._end_within(_STOP_WITHIN)

    async def _finish(self, stream: Optional[str]) -> None:
        import asyncio

        if stream is not None:
            async for _, line in self.stream_log(stream):
                write_text(sys.stdout, line + "\n")
        while self.returncode is None:
            await asyncio.sleep(_LOOK_EVERY)

    async def _end_within(self, seconds: float) -> None:
        import asyncio

        limit = time.monotonic() + seconds
        while self.returncode is None:
            if time.monotonic() > limit:
                self.process.kill()
            await asyncio.sleep(_LOOK_EVERY)

    async def stream_log(
        self, stream: str, position: Optional[int] = None
    ) -> AsyncIterator[Tuple[int, str]]:
        """Yield each line of `stdout` or `stderr` as it is printed, with the position behind it.

        Positions are bytes; one that was given begins a later stream where this one was left.
        """
        import asyncio

        self._check_stream(stream)
        with self._opened(stream) as file:
            file.seek(position or 0)
            while True:
                # Asked first: what was printed before the end is there once it has ended.
                ended = self.returncode is not None
                before = file.tell()
                line = file.readline()
                if line.endswith(b"\n") or (line and ended):
                    yield file.tell(), line.decode("utf-8", "replace").rstrip("\r\n")
                elif ended:
                    return
                else:
                    file.seek(before)
                    await asyncio.sleep(_LOOK_EVERY)

    def _check_stream(self, stream: str) -> None:
        if stream not in self.log_files:
            raise ValueError(
                "There is no stream {!r}; there are `stdout` and `stderr`.".format(stream)
            )

    def send(self, number: int) -> None:
        """Send the process a signal, unless it has ended."""
        if self.returncode is None:
            self.process.send_signal(number)

    def cancel(self) -> None:
        """Stop the command and wait for its end: a run is recorded as cancelled."""
        self.send(signal.SIGTERM)
        if not self._follow([], _STOP_WITHIN):
            self.kill()

    def kill(self) -> None:
        """End the process at once; a run is recorded as lost, and its tasks end with it."""
        if self.returncode is None:
            self.process.kill()
            self.process.wait()
            self._let_go()

    def cleanup(self) -> None:
        """Delete the files with the output, unless the command still runs."""
        if self._owner == os.getpid() and self.returncode is not None:
            self._forget()

    def leave(self) -> None:
        """Do at this program's end what is due: stop the command, unless it is detached."""
        if self._owner != os.getpid() or (self._detached and self.returncode is None):
            return
        self.send(signal.SIGTERM)
        self._forget()

    def _forget(self) -> None:
        self._let_go()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self in _kept:
            _kept.remove(self)

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.close()
            self._hold = None


# Commands whose files are still there; a process that nobody refers to any more stays known.
_kept: List[Command] = []


def _leave_all() -> None:
    for command in list(_kept):
        command.leave()


atexit.register(_leave_all)


def surroundings(extra: Optional[Mapping[str, Any]]) -> Dict[str, str]:
    """Return this process's variables with `extra`, without those for a notebook's kernel alone.

    Raises TypeError for a variable that is no text.
    """
    environ = dict(os.environ)
    environ.pop("JPY_PARENT_PID", None)
    if environ.get("MPLBACKEND", "").startswith("module://"):
        # It draws into the notebook, and a step's own environment does not have it.
        del environ["MPLBACKEND"]
    for name, value in (extra or {}).items():
        if not isinstance(value, str):
            raise TypeError("env: {} is {!r}; a variable's value is a text.".format(name, value))
        environ[name] = value
    return environ


def this_python() -> str:
    """Return the interpreter that commands run with."""
    return sys.executable
