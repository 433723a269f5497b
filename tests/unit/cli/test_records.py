"""Reading what is recorded: dump, logs, runs and flows."""

import json
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falaj.model.loglines import LogLine
from falaj.store.artifacts import save
from falaj.store.blobs import BlobStore
from falaj.store.manifests import save_manifest
from falaj_control.cli.main import run_tool

Tool = Callable[..., "tuple[int, str, str]"]


@pytest.fixture
def tool(capsys: pytest.CaptureFixture[str]) -> Tool:
    """Run `falaj ARGUMENTS` and return its code, output and errors."""

    def run(*arguments: str) -> "tuple[int, str, str]":
        code = run_tool(arguments)
        return (code, *capsys.readouterr())

    return run


def manifest(records: Any, values: "dict[str, Any]") -> str:
    """Store values as a task does and return their manifest."""

    def refuse(name: str, value: Any, error: Exception) -> Exception:
        return error

    store = BlobStore(records.home.store)
    entries = save(store, values, lambda *_: None, refuse)
    return save_manifest(store, None, {}, entries, ())


def line(text: str, stream: str = "o", at: float = 1_790_000_000.5, whole: bool = True) -> LogLine:
    return LogLine(at, stream, text.encode(), whole)


@pytest.fixture
def finished(records: Any) -> Any:
    """A finished run 412 with a start and two bodies."""
    records.run(412)
    values = {"name": "Jazz", "count": 3, "items": [1, 2], "long": "x" * 2000, "_own": 1}
    for position, name in enumerate(("start", "body")):
        records.step(412, name, position)
    records.task(412, 1, "start", manifest=manifest(records, values))
    records.task(412, 2, "body", manifest=manifest(records, {"genre": "rock"}), label="rock")
    records.task(412, 3, "body", manifest=manifest(records, {"genre": "folk"}), label="folk")
    records.log(412, 1, line("hello"), line("careful", "e"), line("no newline", whole=False))
    records.log(412, 2, line("two"), line("more two"))
    records.log(412, 3, line("thr", whole=False), line("ee"))
    return records


def sizes_hidden(output: str) -> "list[str]":
    import re

    return re.sub(r"size: \d+", "size: N", output).splitlines()


@pytest.mark.parametrize(
    "path", ["412/start", "412/start/1", "GenreStats/412/start/1", "#412/start"]
)
def test_dump_shows_artifacts_as_metaflow_does(flow: Any, finished: Any, path: str) -> None:
    assert flow("dump", path) == 0
    assert sizes_hidden(flow.output) == [
        "count [size: N type: <class 'int'>] = 3",
        "items [size: N type: <class 'list'>] = [1, 2]",
        "long [size: N type: <class 'str'>] = < artifact too large >",
        "name [size: N type: <class 'str'>] = Jazz",
    ]
    assert flow.errors == "Dumping output of run_id=412 step=start task_id=1\n"


def test_dump_shows_what_is_asked_for(flow: Any, finished: Any) -> None:
    assert flow("dump", "412/start", "--include", "_own, count,absent") == 0
    assert [one.partition(" ")[0] for one in flow.output.splitlines()] == ["_own", "count"]
    assert "(no artifact absent)" in flow.errors
    assert flow("dump", "412/start", "--private", "--max-value-size", "0") == 0
    assert flow.output.count("< artifact too large >") == 5
    assert flow("dump", "412/start", "--max-value-size", "9999") == 0
    assert "<class 'str'>] = xxxx" in flow.output


def test_dump_of_a_run_names_the_tasks(tool: Tool, finished: Any) -> None:
    code, output, _ = tool("dump", "412")
    assert code == 0
    assert "body/3 genre [size: N type: <class 'str'>] = folk" in sizes_hidden(output)


def test_dump_writes_values_to_a_file(flow: Any, finished: Any, tmp_path: Path) -> None:
    file = tmp_path / "out.pickle"
    assert flow("dump", "412/body", "--file", str(file)) == 0
    assert pickle.loads(file.read_bytes()) == {
        "412/body/2": {"genre": "rock"},
        "412/body/3": {"genre": "folk"},
    }
    assert flow("dump", "412/body", "--file", str(tmp_path / "no" / "out")) == 1


def test_a_value_of_the_flow_s_own_class_is_exported(
    flow: Any, records: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import __main__

    script = tmp_path / "flow.py"
    script.write_text("import beside\nclass Genre:\n    pass\n")
    (tmp_path / "beside.py").write_text("")
    kind = type("Genre", (), {"__module__": "__main__", "__qualname__": "Genre"})
    monkeypatch.setattr(__main__, "Genre", kind, raising=False)
    records.run(1, script=str(script))
    records.task(1, 1, "start", manifest=manifest(records, {"genre": kind()}))
    records.step(1, "start", 0)
    flow.description = flow.description._replace(file=str(script))
    file = tmp_path / "out.pickle"
    assert flow("dump", "1/start", "--file", str(file)) == 0
    assert isinstance(pickle.loads(file.read_bytes())["1/start/1"]["genre"], kind)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("413/start", "There is no run 413 of GenreStats"),
        ("412/strat", "Did you mean 'start'?"),
        ("412/start/7", "task"),
        ("412/start/1/x/y", "is not a path"),
        ("412//1", "is not a path"),
        ("Nosuch/1/start", "Nosuch"),
        ("x", "is not a path"),
    ],
)
def test_a_path_to_nothing_is_answered_with_a_sentence(
    flow: Any, finished: Any, path: str, sentence: str
) -> None:
    for command in ("dump", "logs"):
        assert flow(command, path) == 1
        assert sentence in flow.errors
        assert "Traceback" not in flow.errors


def test_logs_show_both_streams_of_a_task(flow: Any, finished: Any) -> None:
    for arguments in (["logs", "412/start/1"], ["logs", "show", "412/start/1"]):
        assert flow(*arguments) == 0
        assert flow.output == "hello\ncareful\nno newline"
        assert flow.errors == ""
    assert flow("logs", "--stderr", "412/start/1") == 0
    assert flow.output == "careful\n"
    assert flow("logs", "412/start/1", "--stdout") == 0
    assert flow.output == "hello\nno newline"


def test_logs_of_a_step_have_a_heading_for_each_task(flow: Any, finished: Any) -> None:
    assert flow("logs", "412/body") == 0
    assert flow.output == "two\nmore two\nthree\n"
    assert flow.errors == (
        "Dumping logs of run_id=412 step=body task_id=2\n"
        "Dumping logs of run_id=412 step=body task_id=3\n"
    )


def test_logs_of_a_run_name_the_task_of_each_line(tool: Tool, finished: Any) -> None:
    for path in ("412", "GenreStats/412"):
        code, output, _ = tool("logs", path, "--timestamps")
        assert code == 0
        assert output.splitlines()[-1].endswith(" [body/3 folk] three")
        assert output.splitlines()[0].endswith(".500 [start/1] hello")


def test_logs_of_an_earlier_attempt(flow: Any, finished: Any) -> None:
    finished.update("UPDATE tasks SET attempt = 1 WHERE run = 412 AND id = 1")
    for number in (0, 1):
        finished.insert("attempts", run=412, task=1, number=number, state="failed", started_at=1.0)
    finished.log(412, 1, line("second"), attempt=1)
    assert flow("logs", "412/start") == 0
    assert flow.output == "second\n"
    assert flow("logs", "412/start/1", "--attempt", "0") == 0
    assert flow.output.startswith("hello\n")
    assert flow("logs", "412/start/1", "--attempt", "5") == 1


def test_logs_of_a_reused_task_are_those_of_its_origin(flow: Any, finished: Any) -> None:
    finished.run(413, origin=412)
    finished.step(413, "body", 0)
    finished.task(413, 1, "body", "reused", origin_run=412, origin_task=2)
    assert flow("logs", "413/body") == 0
    assert flow.output == "two\nmore two\n"


@pytest.mark.parametrize("path", ["1", "1/start", "1/start/1"])
def test_logs_follow_a_running_task_through_its_attempts(
    flow: Any, records: Any, path: str
) -> None:
    records.run(1, "running")
    records.step(1, "start", 0, "running")
    records.task(1, 1, "start", "running")
    records.log(1, 1, line("first"))
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(flow("logs", path)))
    thread.start()
    time.sleep(0.3)
    records.log(1, 1, line("last words"))
    records.update("UPDATE tasks SET attempt = 1")
    records.log(1, 1, line("again"), attempt=1)
    done = "sha256:" + "0" * 64
    records.update("UPDATE tasks SET state = 'succeeded', manifest = ?", done)
    records.update("UPDATE steps SET state = 'succeeded'")
    records.update("UPDATE runs SET state = 'succeeded', finished_at = 9")
    thread.join(20)
    assert codes == [0]
    lines = [one.rpartition("] ")[2] for one in flow.output.splitlines()]
    assert lines == ["first", "last words", "again"]


def test_logs_need_not_follow(flow: Any, records: Any) -> None:
    records.run(1, "running")
    records.step(1, "start", 0, "running")
    records.task(1, 1, "start", "running")
    records.log(1, 1, line("first"))
    assert flow("logs", "1/start", "--no-follow") == 0
    assert flow.output == "first\n"


def test_following_stops_when_the_person_has_had_enough(flow: Any, records: Any) -> None:
    records.run(1, "running")
    records.step(1, "start", 0, "running")
    records.task(1, 1, "start", "running")
    records.log(1, 1, line("first"))
    flow.interrupted = lambda: True
    assert flow("logs", "1/start") == 130
    assert flow.output == "first\n"


def test_logs_of_a_lost_run_end(flow: Any, records: Any) -> None:
    records.run(1, "running", lease={"host": "elsewhere", "pid": 1}, heard_at=1.0)
    records.step(1, "start", 0, "running")
    records.task(1, 1, "start", "running")
    records.log(1, 1, line("first"))
    assert flow("logs", "1/start") == 0
    assert flow.output == "first\n"


def test_runs_are_listed_latest_first(tool: Tool, finished: Any) -> None:
    finished.run(413, "failed")
    finished.task(413, 1, "start")
    finished.task(413, 2, "start", "failed")
    finished.insert("run_tags", run=413, tag="nightly", system=0)
    finished.insert("run_tags", run=413, tag="user:ana", system=1)
    code, output, _ = tool("runs")
    header, first, second = output.splitlines()
    assert code == 0
    assert header.split() == "ID FLOW STATE WHEN DURATION TASKS FAILED USER TAGS".split()
    assert first.startswith("413  GenreStats  failed ")
    assert first.endswith("1 min 15 s  1/2    1       ana   nightly")
    assert "3/3" in second
    code, output, _ = tool("runs", "--json", "--tag", "nightly")
    (only,) = json.loads(output)
    assert (only["id"], only["done"], only["failed"], only["seconds"]) == (413, 1, 1, 75.0)
    assert (only["tags"], only["system_tags"]) == (["nightly"], ["user:ana"])


def test_runs_are_narrowed_by_state_as_it_really_is(tool: Tool, records: Any) -> None:
    gone = {"host": "elsewhere", "pid": 1}
    for run in range(1, 131):
        records.run(run, "running", lease=gone, heard_at=1.0)
    records.run(131, "running")
    records.run(132, "succeeded")
    records.task(130, 1, "start", "running")

    def ids(*arguments: str) -> "list[int]":
        return [one["id"] for one in json.loads(tool("runs", "--json", *arguments)[1])]

    assert ids("--state", "running") == [131]
    assert ids("--state", "lost", "--limit", "2") == [130, 129]
    assert len(ids("--state", "lost", "--limit", "999")) == 130
    assert ids("--limit", "1") == [132]
    assert json.loads(tool("runs", "--json", "--state", "lost")[1])[0]["failed"] == 1


def test_an_unknown_flow_is_answered_with_the_nearest(tool: Tool, finished: Any) -> None:
    code, output, errors = tool("runs", "GenreStat")
    assert (code, output) == (1, "")
    assert "Did you mean 'GenreStats'?" in errors
    assert tool("runs", "GenreStats")[0] == 0


def test_without_records_there_is_nothing_to_list(tool: Tool, tmp_path: Path, records: Any) -> None:
    for command in ("runs", "flows"):
        code, output, errors = tool(command)
        assert (code, output) == (0, "")
        assert errors == "No runs are recorded yet.\n"
        assert json.loads(tool(command, "--json")[1]) == []


def test_flows_are_listed_with_their_latest_run(tool: Tool, finished: Any) -> None:
    finished.run(413, "failed", flow="Other")
    code, output, _ = tool("flows")
    assert code == 0
    assert [one.split()[:4] for one in output.splitlines()] == [
        ["FLOW", "RUNS", "LATEST", "STATE"],
        ["Other", "1", "413", "failed"],
        ["GenreStats", "1", "412", "succeeded"],
    ]
    assert json.loads(tool("flows", "--json")[1])[0]["latest_state"] == "failed"


def test_damaged_records_are_told_in_a_sentence(tool: Tool, records: Any) -> None:
    Path(records.home.records).write_bytes(b"not a database" * 99)
    code, _, errors = tool("runs")
    assert code == 1
    assert "Traceback" not in errors


def test_a_table_is_drawn_on_a_terminal() -> None:
    import io

    from falaj_control.cli import tables
    from falaj_control.cli.terminal import Output

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    output = Output(stream, {"TERM": "xterm", "LANG": "C"})
    tables.draw(output, ("id", "state"), [["1", "failed"], ["2", "é\x1b[2J"]])
    assert "\x1b[31mfailed" in stream.getvalue()
    assert "\\x1b[2J" in stream.getvalue()
