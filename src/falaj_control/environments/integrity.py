"""Whether the files of an environment are what was installed: a glance, and a thorough look."""

from __future__ import annotations

import base64
import binascii
import csv
import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from typing import NamedTuple

from falaj_control.environments.replacing import replace_file

_LISTING = "falaj-files.json.gz"
# What programs and packages lie in; tools and people may leave notes elsewhere.
_PARTS = ("bin", "lib")
_COMPILED = "__pycache__"
# The size of each file this large is part of the glance: few files, most of the bytes.
_LARGE = 64 << 10


class Glance(NamedTuple):
    """What a glance compares: when folders were last changed (ns), and large files' sizes.

    Adding, removing or replacing a file changes its folder. Paths start from the environment.
    """

    folders: Mapping[str, int]
    files: Mapping[str, int]


def site_packages(prefix: str) -> list[str]:
    """Return the folders of an environment that hold its packages; hardly ever but one."""
    return sorted(glob(os.path.join(glob_safe(prefix), "lib", "python3*", "site-packages")))


def glob_safe(path: str) -> str:
    """Return a path whose own brackets and stars mean nothing to glob."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in path)


def note_files(prefix: str) -> Glance:
    """Write down what is installed, for `damages`, and return what a glance needs of it.

    Makes the folders for compiled modules first: Python, which fills them, then changes no other.
    """
    for folder, _, names in _walk(prefix):
        if any(name.endswith(".py") for name in names):
            os.makedirs(os.path.join(prefix, folder, _COMPILED), exist_ok=True)
    folders: dict[str, int] = {}
    files: dict[str, tuple[int, int]] = {}
    for folder, changed, names in _walk(prefix):
        folders[folder] = changed
        for name in names:
            path = os.path.join(folder, name)
            found = os.lstat(os.path.join(prefix, path))
            files[path] = (found.st_size, found.st_mtime_ns)
    data = json.dumps(files, separators=(",", ":")).encode()
    replace_file(os.path.join(prefix, _LISTING), gzip.compress(data, 1, mtime=0))
    large = {path: size for path, (size, _) in files.items() if size >= _LARGE}
    return Glance(folders, large)


def glance_again(prefix: str, glance: Glance) -> Glance | None:
    """Return what a glance sees now of the same folders and files; None where one is gone."""
    try:
        folders = {path: os.stat(f"{prefix}/{path}").st_mtime_ns for path in glance.folders}
        files = {path: os.lstat(f"{prefix}/{path}").st_size for path in glance.files}
    except OSError:
        return None
    return Glance(folders, files)


def is_as_noted(prefix: str, glance: Glance) -> bool:
    """Say whether nothing has changed at a glance: no file is opened, and few are looked at."""
    return glance_again(prefix, glance) == glance


def damages(prefix: str) -> list[str]:
    """Return a sentence about each file that is no longer what was installed.

    What a package has added within its own folder (a table it computed, a cache) is no damage;
    what became importable beside the packages is.
    """
    noted = _read_listing(prefix)
    if noted is None:
        return [f"{_LISTING} is missing or damaged"]
    found: list[str] = []
    for path, (size, changed) in noted.items():
        try:
            now = os.lstat(os.path.join(prefix, path))
        except OSError:
            found.append(f"{path} is missing")
            continue
        if now.st_size != size:
            found.append(f"{path} has {now.st_size} bytes instead of {size}")
        elif now.st_mtime_ns != changed:
            found.append(f"{path} was written to")
    return found + [f"{path} was added" for path in _added(prefix, noted)]


def wrongly_copied(prefix: str) -> dict[str, list[str]]:
    """Return the files that differ from what their wheel says of them, by distribution.

    The distribution is named as in its folder, `<name>-<version>`.
    """
    wrong: dict[str, list[str]] = {}
    recorded = list(_recorded(prefix))
    # Hashing lets other threads run.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        paths = [os.path.join(root, path) for root, _, path, _ in recorded]
        digests = pool.map(_sha256, paths, chunksize=64)
        for (_, distribution, path, expected), digest in zip(recorded, digests, strict=True):
            if digest != expected:
                wrong.setdefault(distribution, []).append(path)
    return wrong


def _walk(prefix: str) -> Iterator[tuple[str, int, list[str]]]:
    """Yield folders with the time of their last change and the names of their files."""
    for part in _PARTS:
        for root, folders, names in os.walk(os.path.join(prefix, part)):
            folders[:] = [name for name in folders if name != _COMPILED]
            links = [name for name in folders if os.path.islink(os.path.join(root, name))]
            yield os.path.relpath(root, prefix), os.stat(root).st_mtime_ns, names + links


def _read_listing(prefix: str) -> dict[str, tuple[int, int]] | None:
    try:
        with open(os.path.join(prefix, _LISTING), "rb") as file:
            raw = json.loads(gzip.decompress(file.read()))
        return {path: (int(size), int(changed)) for path, (size, changed) in raw.items()}
    except (OSError, EOFError, ValueError, TypeError, AttributeError):
        return None


def _added(prefix: str, noted: Mapping[str, object]) -> list[str]:
    added: list[str] = []
    for packages in site_packages(prefix):
        folder = os.path.relpath(packages, prefix)
        known = {path[len(folder) + 1 :].split("/")[0] for path in noted if path.startswith(folder)}
        for name in sorted(os.listdir(packages)):
            if name not in known and name != _COMPILED:
                added.append(os.path.join(folder, name))
    return added


def _recorded(prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield root, distribution, path and SHA-256 of the files that wheels have recorded."""
    for root in site_packages(prefix):
        for folder in sorted(os.listdir(root)):
            # Conda writes its prefix into files after they were recorded.
            if folder.endswith(".dist-info") and _installer(os.path.join(root, folder)) == "uv":
                distribution = folder[: -len(".dist-info")]
                for path, digest in _record(os.path.join(root, folder, "RECORD")):
                    yield root, distribution, path, digest


def _installer(folder: str) -> str:
    try:
        with open(os.path.join(folder, "INSTALLER"), encoding="utf-8") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""


def _record(path: str) -> Iterator[tuple[str, str]]:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, ValueError, csv.Error):
        # An old format, or conda's: nothing to compare with.
        return
    for row in rows:
        if len(row) < 2 or not row[1].startswith("sha256=") or row[0].endswith(".pyc"):
            continue
        # Programs get the interpreter's path written into them as they are installed.
        if row[0].startswith(("../", "/")):
            continue
        try:
            yield row[0], base64.urlsafe_b64decode(row[1][7:] + "=").hex()
        except (binascii.Error, ValueError):
            continue


def _sha256(path: str) -> str:
    try:
        with open(path, "rb", 0) as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""
