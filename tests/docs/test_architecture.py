"""The page on architecture names what is there, and leaves no part out."""

import re
import sqlite3

import pytest

from falaj.runtime import wire
from falaj_control.records.schema import MIGRATIONS


@pytest.fixture
def page(docs):
    return (docs / "architecture.md").read_text(encoding="utf-8")


def test_every_path_that_is_named_exists(page, docs):
    named = set(re.findall(r"`((?:src|tests)/[\w./]*)`", page)) | {"src", "tests"}
    assert len(named) > 20
    missing = sorted(path for path in named if not (docs.parent / path).exists())
    assert not missing


@pytest.mark.parametrize("package", ["falaj", "falaj_control"])
def test_every_part_of_a_package_is_named(page, docs, package):
    folder = docs.parent / "src" / package
    parts = {path for path in folder.glob("*.py") if path.name != "__init__.py"}
    # A folder without modules is left behind by what was moved.
    parts |= {path for path in folder.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    missing = sorted(path.name for path in parts if f"`src/{package}/{path.name}`" not in page)
    assert not missing


def test_every_table_of_the_records_is_named(page):
    connection = sqlite3.connect(":memory:")
    connection.executescript("".join(MIGRATIONS))
    names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    connection.close()
    tables = {name for (name,) in names if not name.startswith("sqlite_")}
    section = page.partition("## The records")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, flags=re.M)) == tables


def test_every_kind_of_frame_is_named(page):
    kinds = {name for name, value in vars(wire).items() if name.isalpha() and type(value) is int}
    sentence = page.partition("kinds are ")[2].partition(".")[0]
    assert set(re.findall(r"[A-Z]{2,}", sentence)) == kinds
