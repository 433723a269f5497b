"""The names of platforms: uv's, which locks carry, and conda's for the same."""

from __future__ import annotations

import os
import sys

from falaj.authoring.wording import near_miss
from falaj_control.environments.values import EnvironmentFailed

_ALIASES = {
    "linux": "x86_64-unknown-linux-gnu",
    "macos": "aarch64-apple-darwin",
    "windows": "x86_64-pc-windows-msvc",
}
# None: conda has no packages for it.
_SUBDIRS = {
    "x86_64-unknown-linux-gnu": "linux-64",
    "aarch64-unknown-linux-gnu": "linux-aarch64",
    "x86_64-unknown-linux-musl": None,
    "aarch64-unknown-linux-musl": None,
    "x86_64-apple-darwin": "osx-64",
    "aarch64-apple-darwin": "osx-arm64",
    "x86_64-pc-windows-msvc": "win-64",
    "aarch64-pc-windows-msvc": "win-arm64",
    "i686-pc-windows-msvc": None,
}


def known_platforms() -> tuple[str, ...]:
    """Return the platforms that a lock can be made for, by their full names."""
    return tuple(_SUBDIRS)


def check_platform(name: str) -> str:
    """Return the full name of a platform that a person named, in full or as `linux`, `macos`
    or `windows`; raise EnvironmentFailed for any other.
    """
    if name in _SUBDIRS:
        return name
    if name in _ALIASES:
        return _ALIASES[name]
    near = near_miss(name, [*_SUBDIRS, *_ALIASES])
    raise EnvironmentFailed(
        f"There is no platform {name!r}{near}. Known are: {', '.join(known_platforms())}; "
        "`linux`, `macos` and `windows` stand for the commonest of each."
    )


def conda_subdir(platform: str) -> str:
    """Return what conda calls a platform, such as linux-64; raise EnvironmentFailed where conda
    has no packages for it.
    """
    subdir = _SUBDIRS.get(platform)
    if subdir is None:
        raise EnvironmentFailed(
            f"Conda has no packages for {platform}. Use @pypi for this step, or run it elsewhere."
        )
    return subdir


def local_platform() -> str:
    """Return the platform of this machine; it need not be one that uv or conda knows."""
    machine = os.uname().machine
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(machine.lower(), machine)
    if sys.platform == "darwin":
        return f"{machine}-apple-darwin"
    return f"{machine}-unknown-linux-{'gnu' if _has_glibc() else 'musl'}"


def _has_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (ValueError, OSError):
        # Other C libraries don't know the question.
        return False
