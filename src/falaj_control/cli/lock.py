"""`lock`: resolve what the steps ask for and write it to the lock file beside the flow."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import click

from falaj_control.cli.context import CommandContext, asked_decospecs, shown_path
from falaj_control.cli.errors import FAILED
from falaj_control.engine.options import decorated
from falaj_control.settings import read_settings

if TYPE_CHECKING:
    from falaj_control.cli.lock_entries import Relocking
    from falaj_control.environments.lockfile import LockEntry, LockFile

_HELP = """Write the lock file of the flow: flow.lock.toml beside flow.py.

It holds every package of every step with version, files and hashes, and runs install exactly these.
Answers that the file holds already stay as they are, so that nothing moves unless it is asked to.
A new file is for this machine's platform, or for those of --platform."""
_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 1.0


def command(line: CommandContext) -> click.Command:
    """Return the command for one flow."""

    def lock(upgrade: bool, platforms: tuple[str, ...], check: bool, vendor: bool) -> int:
        if check and (upgrade or vendor):
            raise click.UsageError("--check writes nothing; leave out --upgrade and --vendor.")
        return _LockCommand(line, platforms).run(upgrade, check, vendor)

    parameters: list[click.Parameter] = [
        click.Option(
            ["--upgrade"], is_flag=True, help="Resolve everything anew, for the newest versions."
        ),
        click.Option(
            ["--platform", "platforms"],
            multiple=True,
            metavar="NAME",
            help="Lock for this platform, too, such as linux, macos, windows or "
            "aarch64-unknown-linux-gnu. May be repeated. The file keeps the platforms that it has.",
        ),
        click.Option(
            ["--check"],
            is_flag=True,
            help="Write nothing and use no network; exit with 1 if the file is not up to date.",
        ),
        click.Option(
            ["--vendor"],
            is_flag=True,
            help="Copy the files of all packages into the store of the Falaj home, so that they "
            "can be installed without their indexes.",
        ),
    ]
    return click.Command("lock", callback=lock, params=parameters, help=_HELP)


class _LockCommand:
    """One call of the command, which alone pays for importing what it needs."""

    def __init__(self, line: CommandContext, platforms: Sequence[str]) -> None:
        from falaj_control.environments.lockfile import lock_path
        from falaj_control.environments.platforms import check_platform

        self._line = line
        self._flow = decorated(line.flow, asked_decospecs(line.decospecs))
        self._settings = read_settings()
        self._named = [check_platform(name) for name in platforms]
        self._path = lock_path(self._flow.file)

    def run(self, upgrade: bool, check: bool, vendor: bool) -> int:
        """Do what the options ask and return the exit code."""
        from falaj_control.cli.lock_entries import Relocking, asked_by
        from falaj_control.environments.requests import requests_of

        chosen, version = self._line.environment, platform.python_version()
        asked = asked_by(self._flow.name, requests_of(self._flow, chosen, version))
        old = self._read(check)
        if not asked and old is None:
            self._line.output.line(
                f"{self._flow.name} has no environments: all of its steps run in this interpreter."
            )
            return 0
        job = Relocking(self._flow.name, self._line.siblings, asked, self._platforms(old), old)
        if check:
            return self._check(job)
        entries = self._work_on(job, upgrade, vendor)
        self._write(job, entries)
        return 0

    def _read(self, check: bool) -> LockFile | None:
        from falaj_control.environments.lockfile import UnreadableLockFile, read_lock_file

        try:
            return read_lock_file(self._path, self._flow.file)
        except UnreadableLockFile as error:
            if check:
                raise
            self._line.errors.line(f"Note: {error.what}. It is written anew.")
            return None

    def _platforms(self, old: LockFile | None) -> list[str]:
        from falaj_control.environments.platforms import local_platform

        # Without --platform, too, the command mends what a run on this machine misses.
        added = self._named or [local_platform()]
        return sorted({*added, *(old.platforms if old is not None else ())})

    def _check(self, job: Relocking) -> int:
        problems = job.problems(self._flow.file)
        if not problems:
            self._line.output.line(f"{shown_path(self._path)} is up to date.")
            return 0
        errors = self._line.errors
        errors.line(f"{shown_path(self._path)} is not up to date:")
        for problem in problems:
            errors.line(f"    {errors.shown(problem)}")
        errors.line(f"Write it with: {self._line.typed('lock')}")
        return FAILED

    def _work_on(self, job: Relocking, upgrade: bool, vendor: bool) -> list[LockEntry]:
        """Let a thread resolve while this one asks whether the person has had enough."""
        from falaj_control.cli.lock_work import LockWork

        work = LockWork(self._flow, self._line, self._settings, upgrade, vendor)
        pool = ThreadPoolExecutor(1, "locking")
        try:
            task = pool.submit(work.entries, job)
            while not wait([task], _POLL_SECONDS).done:
                if self._line.interrupted():
                    work.cancel()
                    # A server that does not answer must not hold up whoever wants to leave.
                    wait([task], _PATIENCE_SECONDS)
                    raise KeyboardInterrupt
            return task.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _write(self, job: Relocking, entries: Sequence[LockEntry]) -> None:
        from falaj_control.cli.lock_entries import changes_between
        from falaj_control.environments.lockfile import write_lock_file

        mine = [one for one in entries if any(job.is_own(step) for step in one.steps)]
        for entry in mine:
            lock, count = entry.lock, len(entry.lock.packages) + len(entry.lock.conda)
            steps = ", ".join(step.rpartition("/")[2] for step in entry.steps if job.is_own(step))
            where = f" on {lock.platform}" if len(job.platforms) > 1 or self._named else ""
            packages = "1 package" if count == 1 else f"{count} packages"
            changes = changes_between(job.before(entry), lock)
            said = f"{steps}: python {lock.python}{where}, {packages} ({changes})"
            self._line.output.line(self._line.output.shown(said))
        name = shown_path(self._path)
        if job.differs(entries, self._flow.file):
            write_lock_file(self._path, entries, self._flow.file)
            self._line.output.line(f"Written to {name}")
        else:
            self._line.output.line(f"{name} is up to date.")
