"""Control's end of the connection to one host: the launcher, or one that control started."""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from falaj.runtime import wire
from falaj_control.packaging.inside import variables_inside
from falaj_control.ports.executing import HostPlace

# What `-c` puts first on the path, the working folder, is none of a host's.
_BOOT = (
    "import sys; sys.path[:] = [path for path in sys.path if path]; sys.path.append({falaj!r}); "
    "from falaj.runtime.launch import serve; serve({file})"
)


class Interpreter(NamedTuple):
    """How the launcher's interpreter was started, and the flow that it imported.

    `shape` is what shapes the flow from outside of its source: configs and decorators.
    """

    python: str
    flags: tuple[str, ...]
    file: str
    source: str
    package: str | None
    flow: str
    cwd: str
    arguments: tuple[str, ...]
    shape: Mapping[str, Any] = MappingProxyType({})


class HostLink:
    """A host and the frames on their way to it; `pid` is set where it is our own child."""

    def __init__(
        self,
        connection: socket.socket,
        receiver: wire.Receiver,
        pid: int | None,
        name: str = "the launcher",
    ) -> None:
        """Speak to the host over `connection`; people know it by `name`."""
        connection.setblocking(False)
        self.connection = connection
        self.receiver = receiver
        self.pid = pid
        self.name = name
        self.ready = pid is None
        self.running: set[int] = set()
        self.failure = ""
        self.closed = False
        self._outgoing: deque[tuple[memoryview, list[int]]] = deque()
        self._held: list[tuple[bytes, list[int]]] = []

    @property
    def has_outgoing(self) -> bool:
        """Say whether frames wait for the socket to take them."""
        return bool(self._outgoing)

    def send(self, data: bytes, files: list[int]) -> None:
        """Send a frame with files, which are closed once sent; wait for the host to be ready."""
        if self.ready:
            self._enqueue(data, files)
        else:
            self._held.append((data, files))

    def introduce(self, load: Mapping[str, Any]) -> None:
        """Tell a host that has just been started which flow to import."""
        self._enqueue(wire.pack(wire.LOAD, 0, load), [])

    def now_ready(self) -> None:
        """The host has imported the flow: send what was held back."""
        self.ready = True
        for data, files in self.take_held():
            self._enqueue(data, files)

    def take_held(self) -> list[tuple[bytes, list[int]]]:
        """Take back what waits for the host to be ready."""
        held, self._held = self._held, []
        return held

    def _enqueue(self, data: bytes, files: list[int]) -> None:
        self._outgoing.append((memoryview(data), files))
        self.push()

    def push(self) -> None:
        """Send as much as the socket takes."""
        while self._outgoing:
            data, files = self._outgoing[0]
            try:
                if files:
                    sent = wire.send_with_files(self.connection, data.tobytes(), files)
                    _close(files)
                    files = []
                else:
                    sent = self.connection.send(data)
            except BlockingIOError:
                return
            except OSError:
                # The host has died; the closed connection tells the rest.
                self.drop_outgoing()
                return
            if sent == len(data):
                self._outgoing.popleft()
            else:
                self._outgoing[0] = (data[sent:], files)

    def close(self) -> None:
        """Forget the host, which has gone."""
        self.drop_outgoing()
        self.connection.close()
        self.closed = True

    def drop_outgoing(self) -> None:
        """Forget what was not sent and close its files."""
        for _, files in [*self._outgoing, *self._held]:
            _close(files)
        self._outgoing.clear()
        self._held.clear()

    def has_ended(self, patience: float) -> bool:
        """Say whether our own child ends within some seconds; what is left of it stays."""
        limit = time.monotonic() + patience
        # Not to be reaped yet: what it started is found by way of it.
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        while self.pid is not None:
            try:
                if os.waitid(os.P_PID, self.pid, options) is not None:
                    return True
            except ChildProcessError:
                return True
            if time.monotonic() > limit:
                return False
            time.sleep(0.002)
        return False

    def exit_status(self) -> int | None:
        """Reap our own child; return its status as an exit code, or None where it isn't one."""
        if self.pid is None:
            return None
        try:
            _, status = os.waitpid(self.pid, 0)
        except ChildProcessError:
            return None
        return exit_code(status)


def start_host(
    interpreter: Interpreter,
    variables: Mapping[str, str],
    falaj_root: str,
    place: HostPlace | None,
    once: bool,
) -> HostLink:
    """Start an interpreter that imports the flow and serves as a host.

    It is the launcher's own, or that of `place`, which sees nothing of the launcher's packages.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.set_inheritable(theirs.fileno(), True)
        python = interpreter.python if place is None else place.python
        falaj = falaj_root if place is None else place.falaj
        boot = _BOOT.format(falaj=falaj, file=theirs.fileno())
        # Without the user site, which is another environment.
        isolated = () if place is None else ("-s",)
        command = [python, *isolated, *interpreter.flags, "-c", boot]
        environ = os.environ if place is None else variables_inside(place.prefix, os.environ)
        environ = {**environ, **variables}
        if once:
            # It becomes a task in a session of its own, which the leader of a group can't.
            pid = os.posix_spawn(python, command, environ)
        else:
            # Its own group: a signal for the terminal's group is control's business alone.
            pid = os.posix_spawn(python, command, environ, setpgroup=0)
    finally:
        theirs.close()
    name = "a fresh interpreter"
    if place is not None:
        name = f"the step's own environment (Python {place.version}, {place.key})"
    link = HostLink(ours, wire.Receiver(ours), pid, name)
    load: dict[str, Any] = {
        "file": interpreter.file,
        "source": interpreter.source,
        "package": interpreter.package,
        "flow": interpreter.flow,
        "cwd": interpreter.cwd,
        "arguments": interpreter.arguments,
        "shape": dict(interpreter.shape),
        "once": once,
        "paths": place.paths if place is not None else (),
        "preload": place.steps if place is not None and not once else (),
    }
    link.introduce(load)
    return link


def exit_code(status: int) -> int:
    """Return a wait status as an exit code, negative for a signal."""
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)
