"""What a step without an environment of its own runs in: this Python and what is installed."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set

_INFO = (".dist-info", ".egg-info")


class Installed(NamedTuple):
    """A package that is installed here, told from its folder's name alone.

    `info` is the folder (or file) of its metadata; `name` is normalised, `my-lib`.
    """

    name: str
    version: str
    info: str


def describe_surroundings() -> Dict[str, Any]:
    """Return this interpreter and the packages on its path as JSON values.

    The keys are those of every environment's description: kind (`local`), python, platform and
    packages, by name. An editable one says in `source` where it lies.
    """
    packages: List[Dict[str, str]] = []
    for one in sorted(installed()):
        package = {"name": one.name, "version": one.version}
        root = editable_root(one)
        if root is not None:
            package["source"] = "editable: {}".format(root)
        packages.append(package)
    return {
        "kind": "local",
        "python": {
            "version": "{}.{}.{}".format(*sys.version_info[:3]),
            "implementation": sys.implementation.name,
            "executable": sys.executable,
        },
        "platform": _platform(),
        "packages": packages,
    }


def installed() -> Iterator[Installed]:
    """Yield the packages that can be imported, the first on the path where there are several."""
    seen: Set[str] = set()
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            # Not there, or a zip: nothing is installed in it.
            continue
        for name in names:
            # What begins with ~ an installer was about to remove.
            if name.endswith(_INFO) and not name.startswith("~"):
                one = _told_by(folder, name)
                if one is not None and one.name not in seen:
                    seen.add(one.name)
                    yield one


def editable_root(one: Installed) -> Optional[str]:
    """Return the folder of the project that is installed editable; None for any other."""
    try:
        with open(os.path.join(one.info, "direct_url.json"), encoding="utf-8") as file:
            origin = json.load(file)
        if origin.get("dir_info", {}).get("editable"):
            return _path_of(str(origin["url"]))
    except (OSError, ValueError, KeyError, AttributeError):
        # Most are installed from an index and have no such file.
        pass
    # Before PEP 660 the metadata stayed in the project's own folder.
    folder, name = os.path.split(one.info)
    return folder if name.endswith(".egg-info") and not _is_for_packages(folder) else None


def normalised(name: str) -> str:
    """Return a package's name as indexes compare it: `My_Lib.core` is `my-lib-core`."""
    for letter in "_.":
        name = name.replace(letter, "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name.lower()


def _told_by(folder: str, name: str) -> Optional[Installed]:
    info = os.path.join(folder, name)
    parts = name[: name.rindex(".")].split("-")
    if len(parts) > 1:
        return Installed(normalised(parts[0]), parts[1], info)
    # A project's own egg-info tells the version inside.
    try:
        with open(os.path.join(info, "PKG-INFO"), encoding="utf-8") as file:
            lines = [line.partition(":")[2].strip() for line in file if line.startswith("Version:")]
    except (OSError, ValueError):
        return None
    return Installed(normalised(parts[0]), lines[0], info) if lines else None


def _is_for_packages(folder: str) -> bool:
    return os.path.basename(folder) in ("site-packages", "dist-packages")


def _path_of(url: str) -> str:
    # Imported here: hardly any package is installed editable.
    from urllib.parse import unquote, urlsplit

    return os.path.normpath(unquote(urlsplit(url).path))


def _platform() -> str:
    machine = os.uname().machine
    if sys.platform == "darwin":
        return "{}-apple-darwin".format("aarch64" if machine == "arm64" else machine)
    library = "musl" if "musl" in getattr(sys.implementation, "_multiarch", "") else "gnu"
    return "{}-unknown-{}-{}".format(machine, sys.platform, library)
