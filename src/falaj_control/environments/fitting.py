"""Which wheels of a release fit an interpreter and a platform, as their file names say (PEP 425).

uv leaves the others out of what it resolves from 0.9.30 on, but not out of what it exports.
"""

from __future__ import annotations

import os
import platform as machine
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from falaj_control.environments.platforms import local_platform

_OLD_NAMES = {"manylinux1": "2_5", "manylinux2010": "2_12", "manylinux2014": "2_17"}
_LINUX = re.compile(r"(manylinux|musllinux)_(\d+)_(\d+)_(\w+)\Z")
_MACOS = re.compile(r"macosx_(\d+)_(\d+)_(\w+)\Z")
_PYTHON = re.compile(r"(cp|py)(\d)_?(\d*)\Z")
_MACOS_MACHINES = {
    "x86_64": ("x86_64", "universal2", "intel", "fat64", "universal"),
    "aarch64": ("arm64", "universal2"),
}
_WINDOWS = {"x86_64": "win_amd64", "aarch64": "win_arm64", "i686": "win32"}
# What uv takes another machine to have.
_GLIBC = (2, 28)
_MUSL = (1, 2)
_MACOS_VERSION = (13, 0)


class Target(NamedTuple):
    """What a wheel has to fit: `python` as (3, 7), `system` the version of libc or macOS."""

    python: tuple[int, int]
    platform: str
    system: tuple[int, int]

    def fits(self, wheel: str) -> bool:
        """Say whether the wheel of this file name can be installed."""
        tags = wheel.removesuffix(".whl").split("-")[-3:]
        if len(tags) < 3:
            return False
        pythons, abis, platforms = (tag.split(".") for tag in tags)
        return any(map(self._fits_platform, platforms)) and any(
            self._fits_python(python, abi) for python in pythons for abi in abis
        )

    def _fits_python(self, tag: str, abi: str) -> bool:
        found = _PYTHON.match(tag)
        if found is None:
            return False
        kind, major, minor = found[1], int(found[2]), found[3]
        version = (major, int(minor)) if minor else None
        if major != self.python[0] or (version is not None and version > self.python):
            return False
        if abi == "none":
            return kind == "py" or version in (None, self.python)
        exact = "cp{}{}".format(*self.python)
        return kind == "cp" and (abi == "abi3" or (version == self.python and abi in _abis(exact)))

    def _fits_platform(self, tag: str) -> bool:
        if tag == "any":
            return True
        cpu, _, system = self.platform.partition("-")
        if system.endswith("apple-darwin"):
            found = _MACOS.match(tag)
            known = found is not None and found[3] in _MACOS_MACHINES.get(cpu, ())
            return known and (int(found[1]), int(found[2])) <= self.system if found else False
        if system.endswith("windows-msvc"):
            return tag == _WINDOWS.get(cpu)
        name, _, rest = tag.partition("_")
        found = _LINUX.match(f"manylinux_{_OLD_NAMES[name]}_{rest}" if name in _OLD_NAMES else tag)
        if found is None:
            return tag == f"linux_{cpu}"
        family = "musllinux" if system.endswith("musl") else "manylinux"
        known = found[1] == family and found[4] == cpu
        return known and (int(found[2]), int(found[3])) <= self.system


def target(python: str, platform: str) -> Target:
    """Return what wheels have to fit for a version of Python (`3.7.16`) on a platform."""
    major, minor = python.split(".")[:2]
    return Target((int(major), int(minor)), platform, _system(platform))


def without_others(package: Mapping[str, Any], wanted: Target) -> dict[str, Any]:
    """Return a package's table without the wheels that don't fit; all stay where none would."""
    wheels = [one for one in package.get("wheels", ()) if wanted.fits(file_name(one))]
    return {**package, "wheels": wheels} if wheels else dict(package)


def file_name(table: Mapping[str, Any]) -> str:
    """Return the name of the file that a table of PEP 751 tells of."""
    place = str(table.get("url") or table.get("path") or "")
    plain = place.partition("#")[0].partition("?")[0].replace("%2B", "+").replace("%2b", "+")
    return str(table.get("name") or plain.rpartition("/")[2])


def _abis(exact: str) -> tuple[str, ...]:
    # Up to 3.7 the builds with pymalloc, which are all in use, said so.
    return exact, exact + "m"


def _system(platform: str) -> tuple[int, int]:
    is_local = platform == local_platform()
    if platform.endswith("apple-darwin"):
        return _numbers(machine.mac_ver()[0], _MACOS_VERSION) if is_local else _MACOS_VERSION
    if platform.endswith("musl"):
        return _MUSL
    if is_local and platform.endswith("gnu"):
        return _numbers(os.confstr("CS_GNU_LIBC_VERSION") or "", _GLIBC)
    return _GLIBC


def _numbers(text: str, default: tuple[int, int]) -> tuple[int, int]:
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else default
