"""The lock file: what is written is read back, damage is told, credentials stay out."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from falaj_control.environments.lockfile import (
    LockEntry,
    UnreadableLockFile,
    lock_path,
    read_lock_file,
    render,
    without_credentials,
    write_lock_file,
)
from falaj_control.environments.values import EnvironmentFailed, Lock

LINUX, MAC = "x86_64-unknown-linux-gnu", "aarch64-apple-darwin"
SHA = "a1" * 32


def wheel(name: str, version: str, **more: Any) -> dict[str, Any]:
    url = f"https://files.example/{name}-{version}-py3-none-any.whl"
    wheels = [{"url": url, "size": 3, "hashes": {"sha256": SHA}}]
    return {"name": name, "version": version, "wheels": wheels, **more}


def lock(request: str = "r1", platform: str = LINUX, *packages: Any, **more: Any) -> Lock:
    values: dict[str, Any] = {"kind": "pypi", "python": "3.11", "asked": ("six",), **more}
    return Lock(request, platform=platform, packages=packages or (wheel("six", "1.17"),), **values)


def entry(*steps: str, lock: Lock) -> LockEntry:
    return LockEntry(steps or ("F/start",), lock)


@pytest.fixture
def script(tmp_path: Path) -> str:
    return str(tmp_path / "flow.py")


def written(script: str, *entries: LockEntry) -> str:
    write_lock_file(lock_path(script), entries, script)
    return Path(lock_path(script)).read_text(encoding="utf-8")


def read(script: str) -> Any:
    return read_lock_file(lock_path(script), script)


def test_the_lock_file_lies_beside_the_flow() -> None:
    assert lock_path("/a/b.c/flow.py") == "/a/b.c/flow.lock.toml"


def test_no_file_is_no_lock_file(script: str) -> None:
    assert read(script) is None


def test_what_is_written_is_read_back_to_the_same_environment(script: str) -> None:
    odd = wheel(
        'we"ird\\näme',
        "1.0",
        marker="python_version < '3.12' and os_name == \"posix\"",
        vcs={"type": "git", "url": "ssh://git@host/r", "commit-id": "abc", "sub dir": "x"},
        dependencies=[{"name": "six"}, {"name": "tab\there\x7f"}],
    )
    conda = {"name": "python", "version": "3.11.7", "sha256": SHA, "depends": ["a >1", "b"]}
    one = lock("r1", LINUX, odd, wheel("six", "1.17"), exclude_newer="2024-01-01T00:00:00Z")
    two = lock("r2", MAC, kind="conda", conda=(conda,))
    written(script, entry(lock=one), entry("F/a", "F/b", lock=two))
    found = read(script)
    assert found.find("r1", LINUX).digest == one.digest
    assert found.find("r1", LINUX).exclude_newer == "2024-01-01T00:00:00Z"
    assert found.find("r2", MAC).digest == two.digest
    assert found.find("r2", LINUX) is None
    assert found.platforms == (MAC, LINUX)
    assert sorted(one.steps for one in found.entries) == [("F/a", "F/b"), ("F/start",)]


def test_order_of_entries_does_not_change_the_bytes(script: str) -> None:
    entries = [entry("F/b", lock=lock("r1")), entry("F/a", lock=lock("r2", MAC))]
    first = render(entries, script)
    assert render(entries[::-1], script) == first
    written(script, *entries)
    assert render(read(script).entries, script) == first


def test_a_new_version_of_one_package_changes_only_its_own_lines(script: str) -> None:
    old = render([entry(lock=lock("r1", LINUX, wheel("a", "1"), wheel("b", "1")))], script)
    new = render([entry(lock=lock("r1", LINUX, wheel("a", "1"), wheel("b", "2")))], script)
    changed = [(a, b) for a, b in zip(old.split("\n"), new.split("\n"), strict=True) if a != b]
    assert [a.split(" = ")[0].strip() for a, _ in changed] == ["version", "{ url"]


def test_the_file_says_what_it_is_and_how_to_write_it(script: str) -> None:
    text = written(script, entry(lock=lock()))
    assert "falaj lock flow.py --upgrade" in text
    assert text.isascii()
    assert '    { url = "https://files.example/six-1.17-py3-none-any.whl", size = 3, ' in text


@pytest.mark.parametrize("mark", ["<<<<<<< HEAD", "=======", ">>>>>>> theirs", "||||||| base"])
def test_conflict_marks_are_named_with_their_line(script: str, mark: str) -> None:
    lines = written(script, entry(lock=lock())).split("\n")
    Path(lock_path(script)).write_text("\n".join([*lines[:6], mark, *lines[6:]]))
    with pytest.raises(UnreadableLockFile) as caught:
        read(script)
    assert f"{lock_path(script)}:7: " in str(caught.value)
    assert "merge" in str(caught.value)
    assert "falaj lock flow.py" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version = 1", "version = = 1", "line 4"),
        ("version = 1\n", "", "`version = 1`"),
        ("[[environment]]", "[environment]", "can't be used"),
        ('kind = "pypi"\n', "", ":6: the lock file can't be used, because an entry lacks 'kind'"),
        ('    "F/start",\n', "    7,\n", ":6: "),
        ('name = "six"\n', "", ":6: the lock file can't be used, because an entry lacks 'name'"),
        ('steps = [\n    "F/start",\n]\n', "steps = 3\n", ":6: "),
        ("[[environment.packages]]", "[environment.packages]", ":6: "),
    ],
)
def test_damage_is_told_with_its_place_and_the_mend(
    script: str, old: str, new: str, said: str
) -> None:
    text = written(script, entry(lock=lock()))
    assert old in text
    Path(lock_path(script)).write_text(text.replace(old, new, 1))
    with pytest.raises(UnreadableLockFile) as caught:
        read(script)
    assert said in str(caught.value)
    assert lock_path(script) in str(caught.value)
    assert "falaj lock flow.py" in str(caught.value)


def test_binary_rubbish_is_damage_too(script: str) -> None:
    Path(lock_path(script)).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableLockFile, match="UTF-8"):
        read(script)


def test_two_answers_to_one_request_are_refused(script: str) -> None:
    text = written(script, entry(lock=lock()))
    Path(lock_path(script)).write_text(text + text[text.index("\n[[environment]]") :])
    with pytest.raises(UnreadableLockFile, match="two answers to one request, of F/start"):
        read(script)


def test_the_file_of_a_newer_falaj_is_not_taken_for_damaged(script: str) -> None:
    text = written(script, entry(lock=lock()))
    Path(lock_path(script)).write_text(text.replace("version = 1\n", "version = 2\n", 1))
    with pytest.raises(EnvironmentFailed, match="newer Falaj") as caught:
        read(script)
    assert not isinstance(caught.value, UnreadableLockFile)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://ada:s3cret@host/simple", "https://host/simple"),
        ("x @ git+https://T0KEN@host/r.git@main", "x @ git+https://host/r.git@main"),
        ("git+ssh://git@host/r", "git+ssh://git@host/r"),
        ("ssh://git:pw@host/r", "ssh://git@host/r"),
        ("https://${USER}:${TOKEN}@host/s", "https://${USER}:${TOKEN}@host/s"),
        ("https://me:${TOKEN}@host/s", "https://me:${TOKEN}@host/s"),
        ("https://${TOKEN}@host/s", "https://${TOKEN}@host/s"),
        ("https://${ME}:s3cret@host/s", "https://host/s"),
        ("https://me:@host/s", "https://host/s"),
        ("https://host/a@b", "https://host/a@b"),
        ("HTTPS://a:b@h/ and http://c@h/", "HTTPS://h/ and http://h/"),
    ],
)
def test_credentials_are_taken_out_of_addresses(text: str, clean: str) -> None:
    assert without_credentials(text) == clean


def test_no_credential_gets_into_the_file(script: str) -> None:
    package = wheel("six", "1.17", index="https://ada:s3cret@host/simple")
    package["wheels"][0]["url"] = "https://ada:s3cret@host/six.whl"
    text = written(script, entry(lock=lock("r1", LINUX, package, asked=("https://s3cret@host/x",))))
    assert "s3cret" not in text


def test_a_writer_that_is_killed_leaves_the_old_file(script: str) -> None:
    before = written(script, entry(lock=lock()))
    code = (
        "import os, sys; from falaj_control.environments import replacing\n"
        # Dies where the new contents are written and nothing else has happened.
        "replacing.os.fsync = lambda _: os.kill(os.getpid(), 9)\n"
        "replacing.replace_file(sys.argv[1], b'half')"
    )
    done = subprocess.run([sys.executable, "-c", code, lock_path(script)], check=False)
    assert done.returncode == -9
    assert Path(lock_path(script)).read_text() == before
    assert read(script).find("r1", LINUX) is not None


def test_a_link_to_a_lock_file_stays_a_link(script: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.toml"
    os.symlink(elsewhere, lock_path(script))
    written(script, entry(lock=lock()))
    assert os.path.islink(lock_path(script))
    assert elsewhere.stat().st_mode & 0o777 == 0o644


def test_a_folder_that_does_not_exist_any_more_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    script = str(tmp_path / "file" / "flow.py")
    with pytest.raises(EnvironmentFailed, match="Can't write"):
        write_lock_file(lock_path(script), [], script)
