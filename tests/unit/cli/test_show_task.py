"""`show PATHSPEC`: what is recorded of a run, a step or a task, at a glance."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from falaj.store.blobs import BlobStore
from falaj_control.cli.main import run_tool

Tool = Callable[..., "tuple[int, str, str]"]
STARTED = 1_790_000_000.0


@pytest.fixture
def tool(capsys: pytest.CaptureFixture[str]) -> Tool:
    """Run `falaj ARGUMENTS` and return its code, output and errors."""

    def run(*arguments: str) -> "tuple[int, str, str]":
        code = run_tool(arguments)
        return (code, *capsys.readouterr())

    return run


def environment(records: Any, **description: Any) -> str:
    whole = {
        "kind": "pypi",
        "python": {"version": "3.7.16", "implementation": "cpython", "executable": "/e/python"},
        "platform": "x86_64-unknown-linux-gnu",
        "packages": [{"name": f"package-{number}", "version": "1.0"} for number in range(12)],
        "lock": {"asked": ["package-3"]},
        **description,
    }
    return BlobStore(records.home.store).put(json.dumps(whole).encode())


@pytest.fixture
def recorded(records: Any) -> Any:
    """A run 412 whose body was tried twice, in an environment of its own."""
    options = {"max_workers": 4, "decospecs": ["retry"], "tags": ["x"], "namespace": None}
    here = environment(records, kind="local", packages=[], lock=None)
    records.run(
        412, "failed", reason="step body failed", environment=here, options=json.dumps(options)
    )
    for position, name in enumerate(("start", "body", "end")):
        records.step(412, name, position, "not_reached" if name == "end" else "succeeded")
    records.update("UPDATE steps SET environment = ? WHERE name = 'body'", environment(records))
    records.task(412, 1, "start", indices="[]")
    records.task(
        412,
        2,
        "body",
        "failed",
        parents="1",
        label="genre=rock",
        reason="ValueError: bad",
    )
    error = json.dumps(["ValueError", "bad\nmore", "Traceback", "flow.py:7", False])
    for number, (code, why) in enumerate(((-9, None), (1, error))):
        records.insert(
            "attempts",
            run=412,
            task=2,
            number=number,
            state="failed",
            started_at=STARTED,
            finished_at=STARTED + 2,
            exit_code=code,
            error=why,
            reason="" if why else "killed",
        )
    return records


def facts(output: str) -> "dict[str, str]":
    found: dict[str, str] = {}
    name = ""
    for line in output.splitlines()[1:]:
        if not line.startswith("  "):
            break
        name = line[2:].partition(" ")[0] or name
        text = line[14:].strip() if line[2:3] == " " else line[2:].partition(" ")[2].strip()
        found[name] = f"{found[name]} {text}" if name in found else text
    return found


def test_a_task_at_a_glance(tool: Tool, recorded: Any) -> None:
    code, output, _ = tool("show", "GenreStats/412/body/2")
    assert code == 0
    assert output.startswith("GenreStats/412/body/2\n")
    found = facts(output)
    assert found["state"] == "failed"
    assert found["reason"] == "ValueError: bad"
    assert found["finished"].endswith("after 1.0 s")
    assert found["foreach"] == "[2] genre=rock"
    assert found["parents"] == "412/start/1"
    assert found["attempts"] == (
        "0: failed, after 2.0 s, ended by SIGKILL: killed "
        "1: failed, after 2.0 s, exit code 1: ValueError: bad (flow.py:7)"
    )
    assert found["environment"] == "@pypi"
    assert found["python"] == "3.7.16 (/e/python), x86_64-unknown-linux-gnu"
    packages = [f"package-{number} 1.0" for number in range(12)]
    assert found["packages"] == ", ".join(packages)
    assert max(map(len, output.splitlines())) < 120


def test_a_task_without_an_environment_of_its_own(tool: Tool, recorded: Any) -> None:
    found = facts(tool("show", "412/start/1")[1])
    assert found["environment"] == "where the run was launched"
    assert "attempts" not in found
    recorded.update("UPDATE runs SET environment = NULL")
    assert "environment" not in facts(tool("show", "412/start/1")[1])


def test_a_reused_task_names_the_one_that_ran(tool: Tool, recorded: Any) -> None:
    recorded.run(413, origin=412)
    recorded.step(413, "start", 0, "reused")
    recorded.task(413, 1, "start", "reused", origin_run=412, origin_task=1)
    found = facts(tool("show", "413/start/1")[1])
    assert found["reuses"] == "412/start/1"
    assert found["environment"] == "where the run was launched"
    assert facts(tool("show", "413")[1])["resumes"] == "GenreStats/412"


def test_a_step_shows_its_tasks_those_that_failed_first(tool: Tool, recorded: Any) -> None:
    for number in range(10, 40):
        recorded.task(412, number, "body", "failed" if number == 39 else "succeeded")
    output = tool("show", "412/body")[1]
    assert facts(output)["environment"] == "@pypi"
    rows = output.partition("\n\n")[2].splitlines()
    assert rows[0].split() == ["TASK", "STATE", "FOR", "DURATION", "REASON"]
    assert rows[1].split() == ["2", "failed", "genre=rock", "1.0", "s", "ValueError:", "bad"]
    assert [row.split()[0] for row in rows[2:4]] == ["39", "10"]
    assert rows[-1] == "and 11 more tasks"


def test_a_run_shows_options_and_steps(tool: Tool, recorded: Any) -> None:
    code, output, _ = tool("show", "412")
    assert code == 0
    found = facts(output)
    assert found["state"] == "failed"
    assert found["reason"] == "step body failed"
    assert found["options"] == 'max_workers: 4 decospecs: ["retry"]'
    assert found["environment"] == "Python 3.7.16"
    rows = [row.split() for row in output.partition("\n\n")[2].splitlines()]
    assert rows == [
        ["STEP", "STATE", "TASKS", "REASON"],
        ["start", "succeeded", "1"],
        ["body", "succeeded", "1"],
        ["end", "not", "reached", "0"],
    ]


def test_a_flow_of_its_own_takes_short_paths(flow: Any, recorded: Any) -> None:
    assert flow("show", "412/body/2") == 0
    assert flow.output.startswith("GenreStats/412/body/2\n")
    assert flow("show") == 0
    assert "Step start" in flow.output


def test_what_is_not_there_is_told(tool: Tool, recorded: Any) -> None:
    code, _, errors = tool("show", "412/nobody")
    assert code == 1
    assert "There is no step 'nobody'" in errors
    code, _, errors = tool("show")
    assert code == 2
    assert "Name the flow's file, or PATHSPEC: falaj show flow.py" in errors


def test_foreign_text_can_not_move_the_cursor(
    recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    from falaj_control.cli.context import CommandContext
    from falaj_control.cli.show_task import show_recorded
    from falaj_control.cli.terminal import Output

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    recorded.update("UPDATE tasks SET reason = ? WHERE id = 2", "up \x1b[2J and\nmore")
    stream = Terminal()
    output = Output(stream, {"TERM": "xterm", "LANG": "C"})
    show_recorded(CommandContext("falaj", output=output), "412/body/2")
    assert "up \\x1b[2J and" in stream.getvalue()
    assert "\x1b[2J" not in stream.getvalue()
