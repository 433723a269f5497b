"""Which lock a step gets without resolving: lock file, resumed run, earlier answers."""

from pathlib import Path

import pytest

from falaj.store.blobs import BlobStore
from falaj_control.environments.answers import remember
from falaj_control.environments.choosing import KnownLocks, find_lock
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.localpackages import SOURCE_KEY, snapshot
from falaj_control.environments.lockfile import LockEntry, LockFile
from falaj_control.environments.values import EnvironmentFailed, Lock, Request

LINUX, MAC = "x86_64-unknown-linux-gnu", "aarch64-apple-darwin"
REQUEST = Request("3.11", ("six",))


def lock(version: str, request: Request = REQUEST, platform: str = LINUX) -> Lock:
    package = {"name": "six", "version": version}
    return Lock(request.digest, "pypi", "3.11", platform, ("six",), None, (package,))


class Known:
    """What is known before a run, to be filled in."""

    def __init__(self, folder: Path) -> None:
        self.folders = CacheFolders(str(folder / "cache"))
        self.script = str(folder / "flow.py")
        self.file: list[Lock] | None = None
        self.earlier: list[Lock] = []

    def find(self, locked: bool = False, request: Request = REQUEST) -> tuple[str | None, str]:
        file = None
        if self.file is not None:
            entries = tuple(LockEntry(("F/start",), one) for one in self.file)
            file = LockFile(self.script[:-3] + ".lock.toml", entries)
        earlier = {one.request: one for one in self.earlier}
        known = KnownLocks(self.script, file, earlier, self.folders)
        found, note = find_lock(request, LINUX, known, "start", locked)
        return (found.packages[0]["version"] if found else None), note


@pytest.fixture
def known(tmp_path: Path) -> Known:
    return Known(tmp_path)


def test_nothing_is_known_at_first(known: Known) -> None:
    assert known.find() == (None, "")


def test_the_lock_file_comes_before_the_resumed_run_and_that_before_earlier_answers(
    known: Known,
) -> None:
    remember(known.folders, REQUEST, lock("1"))
    assert known.find() == ("1", "")
    known.earlier = [lock("2")]
    assert known.find() == ("2", "")
    known.file = [lock("3")]
    assert known.find() == ("3", "")
    assert known.find(locked=True) == ("3", "")


@pytest.mark.parametrize("held", [[], [lock("3", platform=MAC)], [lock("3", Request("3.12"))]])
def test_a_lock_file_that_lacks_the_request_is_noted_and_passed_over(
    known: Known, held: list[Lock]
) -> None:
    known.file = held
    known.earlier = [lock("2")]
    version, note = known.find()
    assert version == "2"
    assert note.startswith("flow.lock.toml does not hold what step `start` asks for")
    assert "python 3.11, six" in note
    assert note.endswith("Write it with: falaj lock flow.py")


def test_locked_refuses_what_the_lock_file_does_not_hold(known: Known) -> None:
    known.file, known.earlier = [], [lock("2")]
    with pytest.raises(EnvironmentFailed) as caught:
        known.find(locked=True)
    said = str(caught.value)
    assert "step `start`" in said
    assert "python 3.11, six" in said
    assert "--locked" in said
    assert said.endswith("falaj lock flow.py")


def test_locked_refuses_where_there_is_no_lock_file(known: Known) -> None:
    remember(known.folders, REQUEST, lock("1"))
    with pytest.raises(EnvironmentFailed, match=r"There is no lock file flow.lock.toml.*--locked"):
        known.find(locked=True)


def test_the_lock_of_another_platform_in_the_resumed_run_is_not_used(known: Known) -> None:
    known.earlier = [lock("2", platform=MAC)]
    assert known.find() == (None, "")


def test_a_local_package_that_changed_makes_no_lock_fit(known: Known, tmp_path: Path) -> None:
    source = tmp_path / "mine"
    source.mkdir()
    (source / "mine.py").write_text("1")
    digest = snapshot(str(source), BlobStore(str(tmp_path / "store")))
    request = Request("3.11", ("mine @ ./mine",), base=str(tmp_path))
    package = {"name": "mine", "version": "7", SOURCE_KEY: {"path": "mine", "digest": digest}}
    made = Lock(request.digest, "pypi", "3.11", LINUX, packages=(package,))
    remember(known.folders, REQUEST, made)
    known.file, known.earlier = [made], [made]
    assert known.find(request=request) == ("7", "")
    (source / "mine.py").write_text("2")
    version, note = known.find(request=request)
    assert version is None
    assert note.startswith("flow.lock.toml no longer fits step `start`: mine changed since")
    with pytest.raises(EnvironmentFailed, match="mine changed since, and --locked"):
        known.find(request=request, locked=True)
