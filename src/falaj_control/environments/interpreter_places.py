"""Where the Pythons of a machine lie: folders and file names, of which none is run here."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from falaj.home import home_folder

LOOKED_IN = "PATH, pyenv, asdf, mise, rye, uv, conda, Homebrew, the system's own folders"

_VERSIONED = re.compile(r"python3\.\d+")
# As version managers name their folders: `3.7.16`, `cpython-3.7.16-linux-x86_64-gnu`.
_VERSION_FOLDER = re.compile(r"(?:cpython[-@])?(\d+\.\d+\.\d+)(?!\d)")
_SYSTEM = ("/opt/homebrew/bin", "/usr/local/bin", "/usr/bin")
_HOMEBREW_KEGS = ("/opt/homebrew/opt", "/usr/local/opt")
_FRAMEWORKS = "/Library/Frameworks/Python.framework/Versions"
_CONDA_HOMES = ("miniconda3", "miniforge3", "mambaforge", "anaconda3")


class Place(NamedTuple):
    """Files that may be interpreters, of equal rank; `source` says who brought them."""

    source: str
    paths: list[str]


def places(environ: Mapping[str, str], wanted: str | None) -> Iterator[Place]:
    """Return where a Python of version `wanted` may be, the best first; where any, for None.

    A file or folder whose name says another version is left out.
    """
    for folder in environ.get("PATH", "").split(os.pathsep):
        # A shim starts another Python in each folder; its manager's versions come below.
        if os.path.isabs(folder) and os.path.basename(folder.rstrip(os.sep)) != "shims":
            names = [os.path.join(folder, name) for name in ("python3", "python")]
            yield Place("PATH", [*_in_folder(folder, wanted), *names])
    homes = list(dict.fromkeys((home_folder(environ), *own_folders())))
    for source, folders in (
        *(one for home in homes for one in _managers(environ, home, wanted)),
        *(("conda", _conda(environ, home)) for home in homes),
        ("Homebrew", _homebrew()),
        ("system", [*_SYSTEM, *_inside(_FRAMEWORKS, "bin")]),
    ):
        yield Place(source, [path for folder in folders for path in _in_folder(folder, wanted)])


def own_folders() -> list[str]:
    """Return the user's own folder as the system knows it, whatever HOME says.

    A service, or a build in a folder of its own, has another HOME, and the same interpreters.
    """
    try:
        return [pwd.getpwuid(os.getuid()).pw_dir]
    except KeyError:
        return []


def _managers(
    environ: Mapping[str, str], home: str, wanted: str | None
) -> Iterator[tuple[str, list[str]]]:
    data = environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    asdf = environ.get("ASDF_DATA_DIR") or os.path.join(home, ".asdf")
    mise = environ.get("MISE_DATA_DIR") or os.path.join(data, "mise")
    rye = environ.get("RYE_HOME") or os.path.join(home, ".rye")
    pyenv = environ.get("PYENV_ROOT") or os.path.join(home, ".pyenv")
    uv = environ.get("UV_PYTHON_INSTALL_DIR") or os.path.join(data, "uv", "python")
    for source, root in (
        ("pyenv", os.path.join(pyenv, "versions")),
        ("asdf", os.path.join(asdf, "installs", "python")),
        ("mise", os.path.join(mise, "installs", "python")),
        ("rye", os.path.join(rye, "py")),
        ("uv", uv),
    ):
        versions = [path for path in _inside(root) if _can_hold(os.path.basename(path), wanted)]
        inner = ("install",) if source == "rye" else ()
        yield (
            source,
            [
                os.path.join(version, *parts)
                for version in versions
                for parts in {("bin",), (*inner, "bin")}
            ],
        )


def _conda(environ: Mapping[str, str], home: str) -> list[str]:
    prefixes = [environ.get("CONDA_PREFIX", "")]
    # BASE/bin/conda, or BASE/condabin/conda.
    prefixes.append(os.path.dirname(os.path.dirname(environ.get("CONDA_EXE", ""))))
    prefixes.append(environ.get("MAMBA_ROOT_PREFIX", ""))
    prefixes += [os.path.join(home, name) for name in _CONDA_HOMES]
    prefixes.append("/opt/conda")
    try:
        with open(os.path.join(home, ".conda", "environments.txt"), encoding="utf-8") as file:
            prefixes += file.read().splitlines()
    except (OSError, ValueError):
        # Conda has not been used here, or keeps no list.
        pass
    prefixes = [prefix for prefix in prefixes if os.path.isabs(prefix)]
    within = [path for prefix in prefixes for path in _inside(os.path.join(prefix, "envs"))]
    return [os.path.join(prefix, "bin") for prefix in dict.fromkeys([*prefixes, *within])]


def _homebrew() -> list[str]:
    return [
        os.path.join(keg, "bin")
        for root in _HOMEBREW_KEGS
        for keg in _inside(root)
        if os.path.basename(keg).startswith("python@")
    ]


def _inside(folder: str, *parts: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        # Not there, or not ours to read.
        return []
    return [os.path.join(folder, name, *parts) for name in names]


def _in_folder(folder: str, wanted: str | None) -> Iterable[str]:
    if wanted is None:
        return [p for p in _inside(folder) if _VERSIONED.fullmatch(os.path.basename(p))]
    return [os.path.join(folder, "python" + ".".join(wanted.split(".")[:2]))]


def _can_hold(folder: str, wanted: str | None) -> bool:
    told = _VERSION_FOLDER.match(folder)
    return wanted is None or told is None or f"{told[1]}.".startswith(f"{wanted}.")
