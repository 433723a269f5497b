"""`lock`: what stays, what goes, what is told, where no index needs to be asked."""

from pathlib import Path
from typing import Any

import pytest

from falaj.authoring.options import option_attributes
from falaj.model.graph import DecoratorSpec, FlowDescription
from falaj_control.cli.lock_entries import Asked, Relocking, asked_by, changes_between
from falaj_control.environments.answers import remember
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.lockfile import LockEntry, LockFile, read_lock_file
from falaj_control.environments.platforms import local_platform
from falaj_control.environments.requests import requests_of
from falaj_control.environments.values import Lock, Request

LINUX, MAC = "x86_64-unknown-linux-gnu", "aarch64-apple-darwin"
ONE, TWO = Request("3.11", ("six",)), Request("3.12", ("attrs", "six"))


def lock(request: Request, platform: str = LINUX, **versions: str) -> Lock:
    packages = tuple({"name": n, "version": v} for n, v in (versions or {"six": "1"}).items())
    return Lock(request.digest, "pypi", request.python, platform, packages=packages)


def fresh(asked: Asked, platform: str, kept: Lock | None) -> Lock:
    """Answer as an index would that has moved on."""
    return kept or lock(asked.request, platform, six="9")


def relocking(
    asked: list[Asked], *old: LockEntry, platforms: tuple[str, ...] = (LINUX,), siblings: Any = ()
) -> Relocking:
    return Relocking("F", siblings, asked, platforms, LockFile("/x/flow.lock.toml", old))


def held(entries: list[LockEntry]) -> dict[tuple[tuple[str, ...], str], str]:
    return {(one.steps, one.lock.platform): one.lock.packages[0]["version"] for one in entries}


def test_steps_that_ask_the_same_share_one_entry() -> None:
    asked = asked_by("F", {"b": ONE, "a": Request("3.11", ("six",)), "c": TWO, "d": None})
    assert asked == [Asked(ONE, ("F/a", "F/b")), Asked(TWO, ("F/c",))]


def test_what_the_file_holds_stays_and_what_nobody_asks_for_goes() -> None:
    job = relocking(
        [Asked(ONE, ("F/a",))],
        LockEntry(("F/a",), lock(ONE)),
        LockEntry(("F/b",), lock(TWO)),
    )
    assert held(job.entries(fresh)) == {(("F/a",), LINUX): "1"}


def test_every_platform_of_the_file_is_answered_anew_for_a_new_request() -> None:
    job = relocking(
        [Asked(TWO, ("F/a",))],
        LockEntry(("F/a",), lock(ONE)),
        LockEntry(("F/a",), lock(ONE, MAC)),
        platforms=(LINUX, MAC),
    )
    assert held(job.entries(fresh)) == {(("F/a",), LINUX): "9", (("F/a",), MAC): "9"}


def test_steps_of_another_flow_in_the_file_keep_their_entries() -> None:
    job = relocking(
        [Asked(TWO, ("F/a",))],
        LockEntry(("F/a", "Other/x"), lock(ONE)),
        LockEntry(("Other/y",), lock(TWO)),
        LockEntry(("Gone/y",), lock(Request("3.9"))),
        siblings=["Other"],
    )
    assert held(job.entries(fresh)) == {
        (("F/a", "Other/y"), LINUX): "1",
        (("Other/x",), LINUX): "1",
    }


def test_changes_name_packages_and_versions() -> None:
    old = lock(ONE, pandas="1.5.3", old="1", six="1")
    new = lock(ONE, attrs="25.1", pandas="2.2.0", six="1")
    assert changes_between(old, new) == "pandas 1.5.3 → 2.2.0, added attrs 25.1, removed old 1"
    assert changes_between(None, new) == "new"
    assert changes_between(new, new) == "unchanged"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CacheFolders:
    monkeypatch.setenv("FALAJ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FALAJ_HOME", str(tmp_path / "home"))
    return CacheFolders(str(tmp_path / "cache"))


@pytest.fixture
def description(description: FlowDescription, tmp_path: Path) -> FlowDescription:
    """The flow with packages for its step `body`."""
    given = option_attributes("pypi", {"packages": {"six": ""}, "python": "3.11"})
    pypi = DecoratorSpec("pypi", given, 3)
    steps = tuple(
        one._replace(decorators=(pypi,)) if one.name == "body" else one for one in description.steps
    )
    (tmp_path / "flow.py").write_text("")
    return description._replace(steps=steps, file=str(tmp_path / "flow.py"))


@pytest.fixture
def answered(description: FlowDescription, cache: CacheFolders) -> Lock:
    """What this machine answered earlier: nothing needs to be resolved."""
    request = requests_of(description, None, "3.11")["body"]
    assert request is not None
    made = lock(request, local_platform(), six="1.16")
    remember(cache, request, made)
    return made


def test_a_flow_without_environments_says_so_and_writes_nothing(
    flow: Any, cache: CacheFolders, tmp_path: Path
) -> None:
    flow.description = flow.description._replace(
        steps=tuple(one._replace(decorators=()) for one in flow.description.steps)
    )
    assert flow("lock") == 0
    assert "GenreStats has no environments" in flow.output
    assert not (tmp_path / "flow.lock.toml").exists()


def test_an_earlier_answer_of_this_machine_is_what_gets_locked(
    flow: Any, answered: Lock, tmp_path: Path
) -> None:
    assert flow("lock") == 0
    assert "body: python 3.11, 1 package (new)" in flow.output
    assert "flow.lock.toml" in flow.output
    script = str(tmp_path / "flow.py")
    found = read_lock_file(str(tmp_path / "flow.lock.toml"), script)
    assert found is not None
    (entry,) = found.entries
    assert entry.steps == ("GenreStats/body",)
    assert entry.lock == answered


def test_locking_twice_changes_nothing(flow: Any, answered: Lock, tmp_path: Path) -> None:
    assert flow("lock") == 0
    before = (tmp_path / "flow.lock.toml").stat()
    assert flow("lock") == 0
    assert "(unchanged)" in flow.output
    assert "is up to date" in flow.output
    assert (tmp_path / "flow.lock.toml").stat().st_mtime_ns == before.st_mtime_ns


def test_check_tells_what_is_missing_and_writes_nothing(
    flow: Any, answered: Lock, tmp_path: Path
) -> None:
    assert flow("lock", "--check") == 1
    assert "There is none." in flow.errors
    assert not (tmp_path / "flow.lock.toml").exists()
    assert flow("lock") == 0
    assert flow("lock", "--check") == 0
    assert "is up to date" in flow.output
    file = tmp_path / "flow.lock.toml"
    file.write_text(file.read_text().replace(answered.request, "0" * 64))
    assert flow("lock", "--check") == 1
    assert "body: it has no answer for" in flow.errors
    assert "python 3.11, six" in flow.errors
    assert "Nothing asks any more for what it holds for GenreStats/body." in flow.errors
    assert "Write it with: python flow.py lock" in flow.errors


def test_check_sees_a_file_that_was_changed_by_hand(
    flow: Any, answered: Lock, tmp_path: Path
) -> None:
    assert flow("lock") == 0
    file = tmp_path / "flow.lock.toml"
    file.write_text(file.read_text() + "# mine\n")
    assert flow("lock", "--check") == 1
    assert "differently" in flow.errors


def test_a_damaged_file_is_refused_by_check_and_mended_by_lock(
    flow: Any, answered: Lock, tmp_path: Path
) -> None:
    file = tmp_path / "flow.lock.toml"
    file.write_text("<<<<<<< HEAD\n")
    assert flow("lock", "--check") == 1
    assert f"{file}:1: " in flow.errors
    assert flow("lock") == 0
    assert "conflict marks in it. It is written anew." in flow.errors
    assert flow("lock", "--check") == 0


@pytest.mark.parametrize("with_check", ["--upgrade", "--vendor"])
def test_check_goes_with_nothing_that_changes(
    flow: Any, cache: CacheFolders, with_check: str
) -> None:
    assert flow("lock", "--check", with_check) == 2
    assert "--check writes nothing" in flow.errors


def test_an_unknown_platform_is_refused_with_those_that_are_known(
    flow: Any, cache: CacheFolders
) -> None:
    assert flow("lock", "--platform", "linx") == 1
    assert "aarch64-apple-darwin" in flow.errors
