"""Packages of PyPI in an environment of conda: what conda brings stays as it is.

uv is told of conda's Python packages by empty wheels of the same names and versions. So it chooses
nothing that does not go with them, asks no index for them, and adds none of their requirements,
which are conda's affair.
"""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from falaj.authoring.packages import normalised
from falaj.store.blobs import BlobStore
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.values import (
    EnvironmentFailed,
    FoundInterpreter,
    Lock,
    Request,
)
from falaj_control.environments.work import Work

# Conda packages that have another name on PyPI; channels seldom say so themselves.
_OTHER_NAMES = {
    "brotli-python": "brotli",
    "dask-core": "dask",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "pytables": "tables",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-kaleido": "kaleido",
    "pytorch": "torch",
    "seaborn-base": "seaborn",
    "tensorflow-base": "tensorflow",
}
_VERSION = re.compile(r"(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z0-9.]+)?\Z")


def packages_inside(
    request: Request,
    lock: Lock,
    interpreter: FoundInterpreter,
    folders: CacheFolders,
    store: BlobStore,
    environ: Mapping[str, str],
    work: Work,
) -> tuple[Mapping[str, Any], ...]:
    """Return the packages of PyPI that `request` adds to those of conda in `lock`.

    `interpreter` is of the version that the lock holds. Raises EnvironmentFailed, and Cancelled.
    """
    # Imported here: most environments of conda need no uv.
    from falaj_control.environments.resolving import resolve

    brought = brought_by_conda(lock.conda)
    with tempfile.TemporaryDirectory(prefix="brought-", dir=folders.conda) as folder:
        wheels = [
            f"{name} @ {_empty_wheel(folder, name, version)}" for name, version in brought.items()
        ]
        asked = replace(
            request, conda=None, channels=(), requirements=(*request.requirements, *wheels)
        )
        try:
            answer = resolve(asked, interpreter, lock.platform, folders, store, environ, work)
        except EnvironmentFailed as error:
            raise EnvironmentFailed(_told(str(error), brought)) from error
    return tuple(one for one in answer.packages if one["name"] not in brought)


def brought_by_conda(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the versions of the Python packages among conda's, by their names on PyPI."""
    found: dict[str, str] = {}
    for record in records:
        needs = {str(one).partition(" ")[0] for one in record.get("depends", ())}
        is_of_python = record.get("noarch") == "python" or bool(needs & {"python", "python_abi"})
        if is_of_python and _VERSION.match(record["version"]):
            for name in _names(record):
                found[name] = record["version"]
    return found


def _names(record: Mapping[str, Any]) -> list[str]:
    """Return a record's names on PyPI: those that its channel states, else its own."""
    stated = [
        purl.removeprefix("pkg:pypi/").partition("@")[0].partition("?")[0]
        for purl in record.get("purls", ())
        if purl.startswith("pkg:pypi/")
    ]
    name = normalised(record["name"])
    return [normalised(one) for one in stated] or [_OTHER_NAMES.get(name, name)]


def _empty_wheel(folder: str, name: str, version: str) -> str:
    """Write a wheel of metadata alone, and return its URL."""
    stem = f"{name.replace('-', '_')}-{version}"
    path = os.path.join(folder, f"{stem}-py3-none-any.whl")
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: falaj\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            # With a time of its own the same wheel would be another file each time.
            wheel.writestr(zipfile.ZipInfo(f"{stem}.dist-info/{file}"), text)
    return Path(path).as_uri()


def _told(message: str, brought: Mapping[str, str]) -> str:
    """Return uv's message, with what it says of empty wheels put right."""
    message = re.sub(r" ?@ file://\S+/([\w.]+)-([^-\s]+)-py3-none-any\.whl", r"==\2", message)
    named = [
        f"{name} {version}"
        for name, version in brought.items()
        if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", message)
    ]
    if named:
        message += f"\nConda brings {', '.join(named)}, which stays as it is."
    return message
