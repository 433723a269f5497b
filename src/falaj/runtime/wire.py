"""Frames between control and a host: a kind, a number, a payload, and open files beside them.

A frame is its payload's size (4 bytes), its kind (1 byte), the number of the order it is about
(8 bytes), and the payload, which is JSON. Files travel as ancillary data of a UNIX socket, in the
order of the frames that announce them.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any, Iterator, List, NamedTuple, Sequence

HELLO = 1  # host -> control: the flow's description and how its interpreter was started
LOAD = 2  # control -> host: which flow file to import
READY = 3  # host -> control: the flow file is imported
ORDER = 4  # control -> host: run a task; its files: stdout, stderr, report, notes
FORKED = 5  # host -> control: the order's process has started
EXITED = 6  # host -> control: the order's process has ended
SIGNALLED = 7  # host -> control: the person wants to stop
EXIT = 9  # control -> host: all is done; leave with this status
FAILED = 10  # host -> control: the flow file can't be imported or described
ASK = 11  # launcher -> control: what the command line says of how the flow is shaped
ANSWER = 12  # control -> launcher: configs and decorators that are given from outside

_HEADER = struct.Struct("<IBQ")
_FILE = struct.Struct("i")
_MOST_FILES = 64
_RECEIVE = 1 << 18


class Message(NamedTuple):
    """One received frame."""

    kind: int
    number: int
    payload: bytes

    def json(self) -> Any:
        """Return the payload's JSON value."""
        return json.loads(self.payload.decode())


def pack(kind: int, number: int = 0, value: Any = None) -> bytes:
    """Return the bytes of a frame."""
    payload = b"" if value is None else json.dumps(value, separators=(",", ":")).encode()
    return _HEADER.pack(len(payload), kind, number) + payload


class Receiver:
    """Takes frames and files from a socket, however they are cut up on the way."""

    def __init__(self, connection: socket.socket) -> None:
        """Read from `connection`."""
        self._connection = connection
        self._buffer = bytearray()
        self.files: List[int] = []
        self.closed = False

    def receive(self) -> None:
        """Read once; sets `closed` at the end of the stream. May raise BlockingIOError."""
        space = socket.CMSG_LEN(_MOST_FILES * _FILE.size)
        try:
            data, ancillary, _, _ = self._connection.recvmsg(_RECEIVE, space)
        except ConnectionError:
            data, ancillary = b"", []
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                whole = content[: len(content) - len(content) % _FILE.size]
                for (file,) in _FILE.iter_unpack(whole):
                    os.set_inheritable(file, False)
                    self.files.append(file)
        if not data:
            self.closed = True
        self._buffer += data

    def wait(self) -> Message:
        """Return the first frame of a blocking connection; raise EOFError where none comes."""
        while True:
            for message in self.messages():
                return message
            if self.closed:
                raise EOFError
            self.receive()

    def messages(self) -> Iterator[Message]:
        """Yield the whole frames received so far."""
        while len(self._buffer) >= _HEADER.size:
            size, kind, number = _HEADER.unpack_from(self._buffer)
            end = _HEADER.size + size
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            yield Message(kind, number, payload)

    def take_files(self, count: int) -> List[int]:
        """Return the next `count` files."""
        taken, self.files = self.files[:count], self.files[count:]
        return taken


def send_with_files(connection: socket.socket, data: bytes, files: Sequence[int]) -> int:
    """Send the start of `data` together with `files`; return how many bytes went."""
    packed = b"".join(_FILE.pack(file) for file in files)
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, packed)
    return connection.sendmsg([data], [rights])
