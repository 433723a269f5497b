"""The datastores that runs of this home have uploaded to, and fetching from them what is missing.

Each is known by a file beside the blobs, which also says what interpreter knows the package behind
it: a step's own environment mostly does not.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from typing import Any, Dict, Iterator, List, NamedTuple

from falaj import extensions
from falaj.errors import FalajException, StoreUnavailable
from falaj.hashing import blob_hasher, finish, hex_of

_FOLDER = "datastores"
_BOOT = (
    "import sys; sys.path[:] = {!r}; from falaj.store.datastores import main; sys.exit(main({!r}))"
)
_FOUND, _ABSENT, _FAILED = 0, 3, 4
_made: Dict[str, Any] = {}


class Known(NamedTuple):
    """A datastore, as NAME or NAME:TARGET, and the interpreter and path of a run that used it."""

    text: str
    python: str
    paths: List[str]


def remember(root: str, text: str, python: str, paths: List[str]) -> None:
    """Let readers of the store at `root` know a datastore; raise StoreUnavailable."""
    folder = os.path.join(root, _FOLDER)
    name = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]
    temporary = os.path.join(folder, ".{}.{}".format(name, os.getpid()))
    try:
        os.makedirs(folder, exist_ok=True)
        with open(temporary, "w") as file:
            json.dump(Known(text, python, paths)._asdict(), file)
        os.replace(temporary, os.path.join(folder, name + ".json"))
    except OSError as error:
        message = "{} can't be written ({}).".format(folder, error.strerror)
        raise StoreUnavailable(message) from error


def fetch(root: str, digest: str, temporary: str) -> bool:
    """Write a blob that is missing to the file `temporary`; say whether a datastore has it.

    Raises StoreUnavailable where none has given it and one could not be asked.
    """
    problem = ""
    for known in _known(root):
        try:
            if _fetch_from(known, digest, temporary):
                return True
        except FalajException as error:
            problem = problem or "The datastore {} can't give the blob {}: {}".format(
                known.text, digest, error.message
            )
    if problem:
        raise StoreUnavailable(problem)
    return False


def main(arguments: List[str]) -> int:
    """Fetch, for a process that lacks the package: text of the datastore, digest, file."""
    text, digest, temporary = arguments
    try:
        return _FOUND if _download(text, digest, temporary) else _ABSENT
    except FalajException as error:
        sys.stderr.write(error.message)
        return _FAILED


def _known(root: str) -> Iterator[Known]:
    folder = os.path.join(root, _FOLDER)
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        return
    for name in names:
        try:
            with open(os.path.join(folder, name)) as file:
                yield Known(**json.load(file))
        except (OSError, ValueError, TypeError):
            # Damaged: the next run with this datastore writes it anew.
            continue


def _fetch_from(known: Known, digest: str, temporary: str) -> bool:
    if extensions.is_installed("stores", known.text.partition(":")[0]):
        return _download(known.text, digest, temporary)
    if not os.path.exists(known.python):
        raise StoreUnavailable("the package behind it is not installed here.")
    # Imported here: few processes lack a blob, and fewer the package.
    import subprocess

    boot = _BOOT.format(known.paths, [known.text, digest, temporary])
    command = [known.python, "-I", "-S", "-X", "utf8", "-c", boot]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if done.returncode not in (_FOUND, _ABSENT):
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise StoreUnavailable(last or "the process that fetches it died.")
    return done.returncode == _FOUND


def _download(text: str, digest: str, temporary: str) -> bool:
    """Have the package download a blob, and compare it with its digest."""
    name, _, target = text.partition(":")
    try:
        if text not in _made:
            _made[text] = extensions.load("stores", name)(target)
        found = _made[text].download(hex_of(digest), temporary)
    except FalajException:
        raise
    except Exception as error:
        raise StoreUnavailable("{}: {}".format(type(error).__name__, error)) from error
    if found and _digest_of(temporary) != digest:
        os.unlink(temporary)
        raise StoreUnavailable("what it gives has another digest.")
    return bool(found)


def _digest_of(path: str) -> str:
    hasher = blob_hasher()
    try:
        with open(path, "rb", 0) as file:
            for piece in iter(lambda: file.read(1 << 20), b""):
                hasher.update(piece)
    except OSError as error:
        raise StoreUnavailable("it left no file ({}).".format(error.strerror)) from error
    return finish(hasher)
