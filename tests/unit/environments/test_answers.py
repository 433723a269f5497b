"""This machine's earlier answers: kept, found again, and no answer once damaged."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falaj_control.environments.answers import recall, remember
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.values import Lock, Request

LINUX = "x86_64-unknown-linux-gnu"
REQUEST = Request("3.11", ("six",))
LOCK = Lock(REQUEST.digest, "pypi", "3.11", LINUX, ("six",), None, ({"name": "six"},))


@pytest.fixture
def folders(tmp_path: Path) -> CacheFolders:
    return CacheFolders(str(tmp_path / "cache"))


def test_an_answer_is_found_again_for_its_request_and_platform(folders: CacheFolders) -> None:
    assert recall(folders, REQUEST, LINUX) is None
    remember(folders, REQUEST, LOCK)
    found = recall(folders, REQUEST, LINUX)
    assert found is not None
    assert found.digest == LOCK.digest
    assert recall(folders, REQUEST, "aarch64-apple-darwin") is None
    assert recall(folders, Request("3.12", ("six",)), LINUX) is None


def test_a_later_answer_takes_the_place_of_the_earlier(folders: CacheFolders) -> None:
    remember(folders, REQUEST, LOCK)
    remember(
        folders, REQUEST, Lock(REQUEST.digest, "pypi", "3.11", LINUX, packages=({"name": "tomli"},))
    )
    found = recall(folders, REQUEST, LINUX)
    assert found is not None
    assert [one["name"] for one in found.packages] == ["tomli"]


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", '{"request": "x"}', '{"packages": 3}', "\x00"]
)
def test_a_damaged_answer_is_none(folders: CacheFolders, damage: str) -> None:
    remember(folders, REQUEST, LOCK)
    (file,) = Path(folders.answers).iterdir()
    file.write_text(damage)
    assert recall(folders, REQUEST, LINUX) is None


def test_the_answer_to_another_request_under_its_name_is_none(folders: CacheFolders) -> None:
    remember(folders, REQUEST, LOCK)
    (file,) = Path(folders.answers).iterdir()
    file.write_text(file.read_text().replace(REQUEST.digest, "0" * 64))
    assert recall(folders, REQUEST, LINUX) is None


def test_a_cache_that_can_not_be_written_keeps_nothing_and_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    folders = CacheFolders(str(tmp_path / "cache"))
    remember(folders, REQUEST, LOCK)
    assert recall(folders, REQUEST, LINUX) is None


@pytest.mark.parametrize(
    "more",
    [
        {"find_links": ("wheels",)},
        {"requirements": ("mylib @ ./libs/mylib",)},
        {"conda": ("tinyapp",), "channels": ("../channel",)},
    ],
)
def test_what_is_asked_for_by_a_path_is_another_thing_in_another_folder(
    folders: CacheFolders, more: dict[str, Any]
) -> None:
    here = Request("3.11", base="/here", **more)
    there = replace(here, base="/there")
    lock = Lock(here.digest, here.kind, "3.11", LINUX)
    remember(folders, here, lock)
    assert recall(folders, here, LINUX) == lock
    assert recall(folders, there, LINUX) is None


def test_what_is_asked_for_by_name_is_the_same_in_every_folder(folders: CacheFolders) -> None:
    here = Request(
        "3.11", ("six",), find_links=("https://host/wheels", "/srv/wheels"), base="/here"
    )
    lock = Lock(here.digest, "pypi", "3.11", LINUX)
    remember(folders, here, lock)
    assert recall(folders, replace(here, base="/there"), LINUX) == lock
