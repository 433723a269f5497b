"""What the machine itself allows: fork and wait, copying memory, hashing and writing a file."""

from __future__ import annotations

import gc
import hashlib
import importlib
import json
import os
import sys
import threading
import time
from typing import Any

_CHUNK = 8 << 20


def forks(number: int, *modules: str) -> dict[str, float]:
    """Fork and reap children that do nothing, one by one, in a process that imported `modules`."""
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    for _ in range(number // 10):
        _fork_and_wait()
    began = time.perf_counter()
    for _ in range(number):
        _fork_and_wait()
    return {"rate": number / (time.perf_counter() - began)}


def _fork_and_wait() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def carry(size: int, path: str) -> dict[str, float]:
    """Time memcpy, SHA-256, a write to `path`, and the last two side by side on two cores."""
    import numpy

    array = numpy.random.default_rng(0).random(size // 8)
    target = numpy.zeros_like(array)
    view = memoryview(array).cast("B")
    result: dict[str, float] = {}

    def clock(name: str, work: Any) -> None:
        began = time.perf_counter()
        work()
        result[name] = time.perf_counter() - began

    def both() -> None:
        thread = threading.Thread(target=_hash, args=(view,))
        thread.start()
        _write(view, path)
        thread.join()

    for _ in range(2):
        # The first round touches the pages, which is dear on a virtual machine.
        clock("memcpy", lambda: numpy.copyto(target, array))
        clock("hash", lambda: _hash(view))
        for name, work in (("write", lambda: _write(view, path)), ("hash_and_copy", both)):
            clock(name, work)
            os.unlink(path)
            os.sync()
    return result


def _hash(view: memoryview) -> None:
    hasher = hashlib.sha256()
    for start in range(0, len(view), _CHUNK):
        hasher.update(view[start : start + _CHUNK])
    hasher.digest()


def _write(view: memoryview, path: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for start in range(0, len(view), _CHUNK):
        piece = view[start : start + _CHUNK]
        while len(piece):
            piece = piece[os.write(file, piece) :]
    os.close(file)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "forks":
        print(json.dumps(forks(int(rest[0]), *rest[1:])))
    else:
        print(json.dumps(carry(int(rest[0]), rest[1])))
