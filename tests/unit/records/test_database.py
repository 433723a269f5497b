"""Opening the records: made, migrated, refused in a sentence, by any number of processes."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import falaj
from falaj.errors import StoreUnavailable
from falaj.home import Home
from falaj_control.records import database
from falaj_control.records.database import open_records
from falaj_control.records.schema import MIGRATIONS, VERSION

TABLES = {"runs", "run_tags", "steps", "tasks", "attempts", "events"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(str(tmp_path / "home"))


def look(home: Home) -> "tuple[set[str], int, str]":
    connection = open_records(home)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    return tables, version, mode


def is_whole(home: Home) -> bool:
    tables, version, mode = look(home)
    return tables >= TABLES and version == VERSION and mode == "wal"


def test_a_home_is_made_with_its_records(home):
    assert is_whole(home)
    assert is_whole(home)


@pytest.mark.parametrize("found", ["zero bytes", "empty database", "unfinished"])
def test_records_that_were_begun_are_finished(home, found):
    os.makedirs(home.root)
    if found == "zero bytes":
        Path(home.records).write_bytes(b"")
    else:
        connection = sqlite3.connect(home.records)
        if found == "unfinished":
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA user_version = 0")
        connection.close()
    assert is_whole(home)


def test_what_is_recorded_stays(home):
    connection = open_records(home)
    connection.execute("INSERT INTO events (run, at, actor, kind) SELECT 1, 2.0, 'x', 'y' WHERE 0")
    connection.execute("CREATE TABLE mark (x)")
    connection.close()
    assert "mark" in look(home)[0]


def test_records_of_a_newer_falaj_are_refused_and_left_alone(home):
    open_records(home).close()
    connection = sqlite3.connect(home.records)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(StoreUnavailable, match=r"newer Falaj .*Upgrade Falaj"):
        open_records(home)
    connection = sqlite3.connect(home.records)
    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION + 1,)
    connection.close()


def test_a_file_that_is_no_database_is_refused_and_left_alone(home):
    os.makedirs(home.root)
    Path(home.records).write_bytes(b"garbage " * 200)
    with pytest.raises(StoreUnavailable, match="is damaged .*move it away"):
        open_records(home)
    assert Path(home.records).read_bytes() == b"garbage " * 200


def test_a_home_that_can_not_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="can't be used"):
        open_records(Home(str(tmp_path / "file" / "home")))


def test_a_migration_is_all_or_nothing(home, monkeypatch):
    broken = (MIGRATIONS[0] + "\nCREATE TABLE late (x); CREATE TABLE runs (x);",)
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", broken)
        with pytest.raises(StoreUnavailable, match="already exists"):
            open_records(home)
    connection = sqlite3.connect(home.records)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()
    assert is_whole(home)


def test_a_home_of_the_first_version_is_brought_up_to_date_with_what_it_holds(home):
    os.makedirs(home.root)
    connection = sqlite3.connect(home.records)
    connection.executescript(MIGRATIONS[0] + "PRAGMA user_version = 1;")
    connection.execute(
        "INSERT INTO runs (flow, state, user, script, created_at, finished_at, graph, options, "
        "lease, heard_at) VALUES ('F', 'succeeded', 'ada', 'f.py', 1, 2, '{}', '{}', '{}', 2)"
    )
    connection.execute("INSERT INTO steps (run, name, position, state) VALUES (1, 'a', 0, 'lost')")
    connection.execute(
        "INSERT INTO tasks (run, id, step, indices, state, reason, parents, manifest, created_at) "
        "VALUES (1, 7, 'a', '[2]', 'succeeded', '', '', 'm', 1)"
    )
    connection.execute(
        "INSERT INTO attempts (run, task, number, state, started_at) VALUES (1, 7, 0, 'lost', 1)"
    )
    connection.commit()
    connection.close()
    assert is_whole(home)
    connection = open_records(home)
    assert connection.execute("SELECT flow, environment FROM runs").fetchall() == [("F", None)]
    assert connection.execute("SELECT name, environment FROM steps").fetchall() == [("a", None)]
    row = ("a", "[2]", 0, "m")
    columns = "step, indices, iteration, manifest"
    assert connection.execute(f"SELECT {columns} FROM tasks WHERE id = 7").fetchall() == [row]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            "INSERT INTO attempts (run, task, number, state, started_at) "
            "VALUES (1, 8, 0, 'lost', 1)"
        )
    connection.close()


def test_versions_are_passed_one_by_one(home, monkeypatch):
    open_records(home).close()
    monkeypatch.setattr(database, "VERSION", VERSION + 2)
    more = (*MIGRATIONS, "CREATE TABLE second (x);", "ALTER TABLE second ADD COLUMN y;")
    monkeypatch.setattr(database, "MIGRATIONS", more)
    assert look(home)[:2] == (look(home)[0] | {"second"}, VERSION + 2)


def test_sixteen_processes_may_open_a_fresh_home_at_once(home):
    root = str(Path(falaj.__file__).parents[1])
    code = (
        f"import sys; sys.path.insert(0, {root!r}); "
        "from falaj.home import Home; from falaj_control.records.database import open_records; "
        "print('ready', flush=True); sys.stdin.read(); "
        "connection = open_records(Home(sys.argv[1])); "
        "print(connection.execute('SELECT count(*) FROM runs').fetchone())"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", code, home.root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(16)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    for process in processes:
        assert process.communicate(timeout=60)[0] == "(0,)\n"
        assert process.returncode == 0
    assert is_whole(home)
