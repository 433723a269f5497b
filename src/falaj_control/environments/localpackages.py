"""Packages from folders of this machine, kept in the store so that they can be built anywhere.

A snapshot is a tar of a folder's files, the same for the same files wherever they lie.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from falaj.hashing import blob_hasher, finish, hex_of
from falaj.store.blobs import BlobStore
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.values import EnvironmentFailed, Lock

# What a package from a folder has in a lock, besides its name: the snapshot's digest and the folder
# it was taken of, relative to that of the flow.
SOURCE_KEY = "falaj-source"
_SKIPPED = frozenset(
    ".git .hg .svn .venv .tox .nox .falaj __pycache__ node_modules "
    ".mypy_cache .pytest_cache .ruff_cache .ipynb_checkpoints .DS_Store".split()
)
_SKIPPED_ENDINGS = (".pyc", ".pyo", ".egg-info")
# Only where builds write; further down they may be modules.
_OUTPUTS = frozenset({"build", "dist"})
# The first day that a zip file can name: wheels are made of these files.
_TIME = 315532800


def snapshot(folder: str, store: BlobStore) -> str:
    """Store a folder's files as one blob and return its digest.

    What git ignores there is left out, and in any case what builds and tools leave behind; a link
    counts as the file that it leads to. Raises EnvironmentFailed for a file that can't be read.
    """
    with store.writer() as writer:
        _write_tar(folder, writer.write)
        return writer.commit()


def unpack(store: BlobStore, digest: str, folders: CacheFolders) -> str:
    """Return a folder with the files of a snapshot, made where it is not there yet.

    A kill leaves it absent or whole. Builds may write into it: what they leave is made from the
    same files, and uv lets only one build at a time into a folder. Raises EnvironmentFailed where
    there is no space or the snapshot is not in the store.
    """
    path = os.path.join(folders.sources, hex_of(digest))
    if os.path.isdir(path):
        return path
    data = store.read(digest)
    try:
        os.makedirs(folders.sources, exist_ok=True)
        temporary = tempfile.mkdtemp(prefix=".unpacking-", dir=folders.sources)
        try:
            _extract(data, temporary)
            os.rename(temporary, path)
        except OSError:
            shutil.rmtree(temporary, ignore_errors=True)
            # Another process was first.
            if not os.path.isdir(path):
                raise
    except OSError as error:
        raise EnvironmentFailed(f"Can't write to {folders.sources}: {error.strerror}.") from error
    return path


def stale_sources(lock: Lock, base: str) -> list[str]:
    """Return the names of packages from folders and files whose contents are others than locked.

    `base` is the folder that the lock's paths start from. A path that is not there is not stale:
    its snapshot is what counts then.
    """
    return [str(package["name"]) for package in lock.packages if _is_stale(package, base)]


def _is_stale(package: Mapping[str, Any], base: str) -> bool:
    source: Mapping[str, Any] | None = package.get(SOURCE_KEY)
    if source:
        folder = os.path.join(base, source["path"])
        return os.path.isdir(folder) and _digest(folder) != source["digest"]
    archive: Mapping[str, Any] = package.get("archive") or {}
    path = os.path.join(base, archive.get("path", ""))
    if "path" not in archive or not os.path.isfile(path):
        return False
    return hex_of(_file_digest(path)) != archive["hashes"]["sha256"]


def _digest(folder: str) -> str:
    hasher = blob_hasher()
    _write_tar(folder, hasher.update)
    return finish(hasher)


def _file_digest(path: str) -> str:
    hasher = blob_hasher()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            hasher.update(chunk)
    return finish(hasher)


class _Sink:
    """As much of a file as tar needs to write a stream."""

    def __init__(self, write: Callable[[bytes], Any]) -> None:
        self.write = write


def _write_tar(folder: str, write: Callable[[bytes], Any]) -> None:
    # A stream: files may be larger than memory.
    with tarfile.open(
        fileobj=cast("Any", _Sink(write)), mode="w|", format=tarfile.PAX_FORMAT
    ) as tar:
        for name in sorted(_files(folder)):
            path = os.path.join(folder, name)
            try:
                with open(path, "rb") as file:
                    status = os.fstat(file.fileno())
                    entry = tarfile.TarInfo(name.replace(os.sep, "/"))
                    entry.size, entry.mtime = status.st_size, _TIME
                    entry.mode = 0o755 if status.st_mode & 0o100 else 0o644
                    tar.addfile(entry, file)
            except OSError as error:
                reason = error.strerror or "it changed while it was read"
                raise EnvironmentFailed(f"Can't read {path}: {reason}.") from error


def _files(folder: str) -> list[str]:
    """Return the files of a folder that belong to its package, as paths relative to it."""
    listed = _listed_by_git(folder)
    names = _walked(folder) if listed is None else listed
    return [name for name in names if os.path.isfile(os.path.join(folder, name))]


def _walked(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        inner = os.path.relpath(parent, folder)
        folders[:] = [name for name in folders if not _is_left_over(os.path.join(inner, name))]
        for name in files:
            path = os.path.normpath(os.path.join(inner, name))
            if not _is_left_over(path):
                yield path


def _listed_by_git(folder: str) -> list[str] | None:
    """Return what git does not ignore; None where the folder is not under its control."""
    kinds = ["--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(
            ["git", "-C", folder, "ls-files", "-t", "-z", *kinds], capture_output=True, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    # Each is a letter that tells its state, `?` for a file that was not added, and a path.
    lines = {os.fsdecode(line) for line in done.stdout.split(b"\0") if line}
    kept = [line[2:] for line in lines if line[0] != "?" or not _is_left_over(line[2:])]
    # A folder that is ignored as a whole, or one with another repository in it, is walked.
    whole = kept and all(not os.path.isdir(os.path.join(folder, name)) for name in kept)
    return list(dict.fromkeys(kept)) if whole else None


def _is_left_over(path: str) -> bool:
    """Say whether a file or folder is what builds and tools leave behind."""
    parts = os.path.normpath(path).split(os.sep)
    return parts[0] in _OUTPUTS or any(
        name in _SKIPPED or name.endswith(_SKIPPED_ENDINGS) for name in parts
    )


def _extract(data: bytes, folder: str) -> None:
    folder = os.path.abspath(folder)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for entry in tar:
            path = os.path.join(folder, entry.name)
            content = tar.extractfile(entry)
            if content is None or not os.path.abspath(path).startswith(folder + os.sep):
                raise EnvironmentFailed(f"A snapshot holds {entry.name!r}, which is no file in it.")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                shutil.copyfileobj(content, file)
            os.chmod(path, entry.mode)
            os.utime(path, (entry.mtime, entry.mtime))
