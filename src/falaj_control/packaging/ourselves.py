"""The package `falaj` as a zip, compiled for the interpreter that is to import it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
from collections.abc import Iterator

import falaj
from falaj.errors import FalajException
from falaj.version import VERSION

# The end of a zip without a comment (3.7 imports from no other): its mark, 8 bytes that are
# of no interest here, size and place of the directory, length of the comment.
_END = struct.Struct("<4s8xIIH")
_END_MARK = b"PK\x05\x06"
# The earliest that a zip can tell, so that its bytes don't depend on when it was made.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def falaj_zip(folder: str, python: str, version: str) -> str:
    """Return the path of a zip that holds `falaj` alone, to be put on the path of a host.

    It is kept in `folder`, and made only where it is not there or is damaged. It holds each
    module's source, and its compiled form made by the interpreter `python`, whose version is
    `version`; the zip serves every interpreter of that minor version. Raises FalajException where
    it can't be made.
    """
    sources = dict(_sources())
    minor = "".join(version.split(".")[:2])
    # Its modules know the path of the zip, which is why that counts too.
    signature = hashlib.sha256(repr((folder, sorted(sources.items()))).encode()).hexdigest()
    path = os.path.join(folder, f"falaj-{VERSION}-{signature[:16]}-cpython-{minor}.zip")
    if not _is_whole(path):
        try:
            _make_once(path, list(sources), python)
        except OSError as error:
            raise FalajException(
                f"Can't put Falaj's own code into {folder}: {error.strerror or error}. FALAJ_CACHE "
                "names the folder in which Falaj keeps what it can make again."
            ) from error
    return path


def _root() -> str:
    return os.path.dirname(os.path.dirname(os.path.abspath(falaj.__file__)))


def _sources() -> Iterator[tuple[str, tuple[int, int]]]:
    # Each module, relative to the root, with what changes when it does.
    root = _root()
    folders = ["falaj"]
    while folders:
        folder = folders.pop()
        with os.scandir(os.path.join(root, folder)) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    yield f"{folder}/{entry.name}", (status.st_size, status.st_mtime_ns)
                elif entry.name != "__pycache__" and entry.is_dir():
                    folders.append(f"{folder}/{entry.name}")


def _is_whole(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _END.size))
            mark, length, place, comment = _END.unpack(file.read())
    except (OSError, struct.error):
        return False
    return mark == _END_MARK and place + length + _END.size == size and comment == 0


def _make_once(path: str, sources: list[str], python: str) -> None:
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    # Never two at a time: a zip that a host imports from is not replaced by another.
    with open(os.path.join(folder, "lock"), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_whole(path):
            _make(path, sources, python)


def _make(path: str, sources: list[str], python: str) -> None:
    # Imported here: what is there already is made by none of them.
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="falaj-") as place:
        for source in sources:
            copy = os.path.join(place, source)
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            shutil.copyfile(os.path.join(_root(), source), copy)
        _compile(os.path.join(place, "falaj"), os.path.join(path, "falaj"), python)
        temporary = f"{path}.tmp"
        try:
            _write(temporary, place, sources)
        except OSError:
            os.unlink(temporary)
            raise
        os.replace(temporary, path)


def _compile(place: str, known_as: str, python: str) -> None:
    # Imported here: a warm start runs no process.
    import subprocess

    # Compiled files that are believed unseen: a zip keeps times to two seconds, in local time.
    # Beside their sources (-b), which is where an import from a zip looks for them.
    options = ["-q", "-b", "-d", known_as, "--invalidation-mode", "unchecked-hash"]
    command = [python, "-I", "-S", "-m", "compileall", *options, place]
    try:
        made = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise FalajException(f"{python} can't be started: {error.strerror}.") from error
    if made.returncode != 0:
        raise FalajException(
            f"{python} can't compile Falaj's own code. It said:\n{made.stdout}{made.stderr}"
        )


def _write(path: str, place: str, sources: list[str]) -> None:
    # Imported here: slow to import, and seldom needed.
    import zipfile

    with open(path, "wb") as file:
        # Not compressed: it lies on this machine, and importing from it is to cost little.
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(sources):
                for member in (name, f"{name}c"):
                    with open(os.path.join(place, member), "rb") as data:
                        archive.writestr(zipfile.ZipInfo(member, _NO_TIME), data.read())
        file.flush()
        # A power failure must leave no zip that has its name before it has its contents.
        os.fsync(file.fileno())
