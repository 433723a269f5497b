"""Environments of a kind that an installed package gives: resolved and installed by it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from falaj.authoring.packages import normalised
from falaj.errors import FalajException
from falaj_control.environments.marker import python_of
from falaj_control.environments.uvtool import Uv
from falaj_control.environments.values import (
    CustomKind,
    EnvironmentFailed,
    FoundInterpreter,
    Lock,
    Request,
)
from falaj_control.environments.work import Cancelled, Work
from falaj_control.extensions import make
from falaj_control.ports.environment_kinds import AskedEnvironment, EnvironmentKind

_SAY = (
    "import json, platform, sys; print(json.dumps({'version': platform.python_version(), "
    "'implementation': sys.implementation.name}))"
)
_T = TypeVar("_T")


def resolve_custom(
    request: Request, custom: CustomKind, python: FoundInterpreter, platform: str, work: Work
) -> Lock:
    """Return what the package answers to a request; raise EnvironmentFailed and Cancelled."""
    kind = _kind(custom)
    asked = _asked(request, custom, python, platform)
    work.tell(f"resolving an environment of the kind {custom.name}")
    locked = _guarded(custom, "resolve", lambda: kind.resolve(asked, work))
    try:
        text = json.dumps(locked, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise EnvironmentFailed(
            f"`resolve` of the kind of environment {custom.name!r} returned what is no JSON "
            f"value: {error}"
        ) from None
    return Lock(
        request=request.digest,
        kind=custom.name,
        python=request.python,
        platform=platform,
        asked=(f"{custom.name} {custom.options}",),
        custom=text,
    )


def install_custom(
    lock: Lock,
    request: Request,
    custom: CustomKind,
    python: FoundInterpreter,
    uv: Uv,
    environ: Mapping[str, str],
    work: Work,
    prefix: str,
) -> dict[str, Any]:
    """Have the package install into `prefix`; return the description, without a key."""
    kind = _kind(custom)
    asked = _asked(request, custom, python, lock.platform)
    locked = json.loads(lock.custom or "{}")
    work.tell(f"making an environment of the kind {custom.name}")
    _guarded(custom, "install", lambda: kind.install(locked, asked, prefix, work))
    return {
        "kind": lock.kind,
        "request": lock.request,
        "lock": lock.digest,
        "asked": list(lock.asked),
        "python": _python(custom, environ, work, prefix),
        "platform": lock.platform,
        "packages": _packages(uv, prefix),
    }


def _kind(custom: CustomKind) -> EnvironmentKind:
    try:
        made: Any = make("environments", custom.name)
    except FalajException as error:
        raise EnvironmentFailed(error.message) from error
    return made


def _asked(
    request: Request, custom: CustomKind, python: FoundInterpreter, platform: str
) -> AskedEnvironment:
    options = json.loads(custom.options)
    return AskedEnvironment(options, request.base, python.path, python.version, platform)


def _guarded(custom: CustomKind, doing: str, call: Callable[[], _T]) -> _T:
    try:
        return call()
    except (Cancelled, FalajException):
        raise
    except (Exception, SystemExit) as error:
        # A thread that leaves as a program does would leave the step waiting.
        raise EnvironmentFailed(
            f"`{doing}` of the kind of environment {custom.name!r} failed: "
            f"{type(error).__name__}: {error}"
        ) from error


def _python(
    custom: CustomKind, environ: Mapping[str, str], work: Work, prefix: str
) -> dict[str, str]:
    python = python_of(prefix)
    try:
        done = work.run([python, "-I", "-S", "-c", _SAY], environ, prefix)
        said: dict[str, str] = json.loads(done.out)
    except (OSError, ValueError) as error:
        raise EnvironmentFailed(
            f"The kind of environment {custom.name!r} has made no working "
            f"{os.path.join('bin', 'python')}: {error}"
        ) from None
    return {**said, "executable": os.path.realpath(python)}


def _packages(uv: Uv, prefix: str) -> list[dict[str, str]]:
    arguments = ["pip", "list", "--format", "json", "-p", python_of(prefix)]
    done = uv.run(arguments, prefix, doing="Reading what was installed")
    found = [(normalised(one["name"]), str(one["version"])) for one in json.loads(done.out)]
    return [{"name": name, "version": version} for name, version in sorted(found)]
