"""uv as a program: found, called in surroundings that suit it, and its failures explained."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence

from falaj_control.environments.credentials import Credentials
from falaj_control.environments.uvfailures import explain
from falaj_control.environments.values import EnvironmentFailed
from falaj_control.environments.work import ToolOutput, Work

# They would choose another Python, project or outcome than those that uv is called for.
_LEFT_OUT = frozenset(
    "VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV UV_PROJECT_ENVIRONMENT UV_PROJECT UV_WORKING_DIR "
    "UV_PYTHON UV_SYSTEM_PYTHON UV_FROZEN UV_LOCKED UV_NO_SYNC UV_REQUIRE_HASHES "
    "FORCE_COLOR CLICOLOR_FORCE".split()
)
_SET = {
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_NO_PROGRESS": "1",
    "UV_NO_WRAP": "1",
    "NO_COLOR": "1",
    # Nobody sits there to type a password.
    "GIT_TERMINAL_PROMPT": "0",
}
_SYSTEM_CERTIFICATES = "UV_SYSTEM_CERTS"

_finding = threading.Lock()


def find_uv(environ: Mapping[str, str]) -> str:
    """Return the path of uv's program; raise EnvironmentFailed where there is none."""
    try:
        # Imported here: a warm run calls no uv.
        import uv

        # It reads sysconfig, which answers wrongly while another thread asks it the first time.
        with _finding:
            return uv.find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv", path=environ.get("PATH"))
    if found is None:
        raise EnvironmentFailed(
            "uv, which resolves and installs the packages of steps, is not installed. Type: "
            "pip install uv"
        )
    return found


class Uv:
    """Calls uv for one piece of work; nothing that it says comes out with credentials."""

    def __init__(
        self, environ: Mapping[str, str], work: Work, credentials: Credentials | None = None
    ) -> None:
        """Call it with the settings of the person whose `environ` it is.

        What `credentials` has filled in is hidden from messages.
        """
        self._environ = environ
        self._work = work
        self._credentials = credentials or Credentials(environ)

    def run(
        self,
        arguments: Sequence[str],
        cwd: str,
        *,
        doing: str,
        feed: str = "",
        variables: Mapping[str, str] | None = None,
        keep_open: Sequence[int] = (),
        tell_lines: bool = False,
    ) -> ToolOutput:
        """Run uv to its end and return what it printed.

        `doing` begins the message of a failure (`Resolving the packages`); `variables` are set
        besides those of the person. The rest is as in `Work.run`. Raises EnvironmentFailed where
        uv fails or is not there, and Cancelled.
        """
        command = [find_uv(self._environ), *arguments]
        hide = self._credentials.hide
        surroundings = {**uv_environ(self._environ), **(variables or {})}
        try:
            done = self._work.run(
                command, surroundings, cwd, feed, keep_open, tell_lines, clean=hide
            )
        except OSError as error:
            raise EnvironmentFailed(
                f"{doing} failed: {command[0]} can't be started in {cwd}: {error.strerror}."
            ) from error
        if done.status:
            said = hide(done.err) or f"uv ended with status {done.status} and said nothing."
            raise EnvironmentFailed(explain(doing, said, surroundings))
        return done


def uv_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that uv is called with: the person's, without those that mislead it."""
    kept = {
        name: value
        for name, value in environ.items()
        if name not in _LEFT_OUT and not name.startswith("PYTHON")
    }
    if _SYSTEM_CERTIFICATES not in kept and has_system_certificates():
        kept[_SYSTEM_CERTIFICATES] = "1"
    return {**kept, **_SET}


def has_system_certificates() -> bool:
    """Say whether this machine has certificates of its own, such as those of an organisation.

    Browsers and pip go by them; uv, left alone, by a list that came with it.
    """
    # Imported here: a warm run connects to nobody.
    import ssl

    paths = ssl.get_default_verify_paths()
    return sys.platform == "darwin" or bool(paths.cafile) or _has_files(paths.capath)


def _has_files(folder: str | None) -> bool:
    try:
        return folder is not None and bool(os.listdir(folder))
    except OSError:
        return False
