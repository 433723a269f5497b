"""The `falaj` command: handing over to flows, its own commands, completion and the reference."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falaj.version import VERSION
from falaj_control.cli import completion, main
from falaj_control.cli.reference import command_reference

Tool = Callable[..., "tuple[int, str, str]"]


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "list[list[str]]":
    """The programs that were to take over, in a folder with flow files."""
    programs: list[list[str]] = []

    def take_over(path: str, arguments: "list[str]") -> None:
        programs.append(arguments)

    monkeypatch.setattr(os, "execv", take_over)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text("")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "folder").mkdir()
    return programs


@pytest.fixture
def tool(capsys: pytest.CaptureFixture[str]) -> Tool:
    """Run `falaj ARGUMENTS` and return its code, output and errors."""

    def run(*arguments: str) -> "tuple[int, str, str]":
        code = main.run_tool(arguments)
        return (code, *capsys.readouterr())

    return run


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "flow.py", "--alpha", "1"], ["flow.py", "run", "--alpha", "1"]),
        (["show", "flow.py:Other"], ["flow.py:Other", "show"]),
        (["dump", "flow.py", "1/start"], ["flow.py", "dump", "1/start"]),
        (["logs", "flow.py", "show", "1/start"], ["flow.py", "logs", "show", "1/start"]),
        (["completion", "flow.py", "--", ""], ["flow.py", "completion", "--", ""]),
        (["help", "flow.py"], ["flow.py", "help"]),
    ],
)
def test_flow_commands_are_handed_to_the_flow_s_process(
    handed: Any, tool: Tool, arguments: "list[str]", expected: "list[str]"
) -> None:
    tool(*arguments)
    assert handed == [[sys.executable, "-m", "falaj.runtime.launch", *expected]]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "flwo.py"], "There is no file flwo.py. Did you mean flow.py?"),
        (["run", "flow"], "There is no file flow. Did you mean flow.py?"),
        (["run", "folder"], "folder is a folder."),
        (["run", "notes.txt"], "notes.txt is not a Python file (.py)."),
        (["run"], "Name the flow's file: falaj run flow.py"),
        (["run", "--alpha", "1"], "Name the flow's file"),
        (["flow.py", "run"], "The command comes before the file: falaj run flow.py"),
        (["flow.py"], "falaj run flow.py"),
        (["rnu", "flow.py"], "There is no command 'rnu' (did you mean `run`?)."),
        (["runs", "--limit", "0"], "--limit"),
        (["dump"], "PATHSPEC"),
    ],
)
def test_a_wrong_command_line_gets_one_sentence(
    handed: Any, tool: Tool, arguments: "list[str]", sentence: str
) -> None:
    code, _, errors = tool(*arguments)
    assert code == 2
    assert handed == []
    assert sentence in errors
    assert "Traceback" not in errors


def test_a_file_that_can_not_be_read_is_told(
    handed: Any, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chmod("flow.py", 0)
    # Root may read everything, so access as the kernel gives it to others is simulated.
    if os.geteuid() == 0:
        allowed = os.access
        monkeypatch.setattr(
            os, "access", lambda path, *more: path != "flow.py" and allowed(path, *more)
        )
    assert "can't be read" in tool("run", "flow.py")[2]


@pytest.mark.parametrize("arguments", [["--help"], ["help"]])
def test_help_lists_both_kinds_of_commands(tool: Tool, arguments: "list[str]") -> None:
    code, output, _ = tool(*arguments)
    assert code == 0
    assert "run FLOW.py" in output
    assert "\n  runs " in output
    assert "completion" in output


def test_no_arguments_show_the_help(tool: Tool) -> None:
    code, output, errors = tool()
    assert code in (0, 2)
    assert "Commands for a flow" in output + errors


def test_the_version_is_told(tool: Tool) -> None:
    assert tool("version")[:2] == (0, f"{VERSION}\n")
    assert tool("--version")[:2] == (0, f"{VERSION}\n")


def test_help_on_a_flow_command_needs_no_flow(tool: Tool) -> None:
    code, output, _ = tool("run", "--help")
    assert code == 0
    assert "--max-workers" in output
    assert "also shows the parameters" in output


def test_handing_over_loads_no_library() -> None:
    code = (
        "import os, sys; from falaj_control.cli.main import run_tool; "
        "os.execv = lambda *_: print('click' in sys.modules, 'rich' in sys.modules); "
        f"run_tool(['show', {__file__!r}])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True
    )
    assert done.stdout.split() == [b"False", b"False"]


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_each_shell_gets_a_script(tool: Tool, shell: str) -> None:
    code, output, _ = tool("completion", shell)
    assert code == 0
    assert f"_FALAJ_COMPLETE={shell}_complete" in output


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_for_bash_is_valid() -> None:
    subprocess.run(["bash", "-n"], input=completion.script("bash").encode(), check=True)


@pytest.fixture
def complete(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> "Callable[..., list[str]]":
    """Return what bash is offered for the words of a command line; the last one is incomplete."""

    def ask(*words: str) -> "list[str]":
        monkeypatch.setenv("_FALAJ_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(("falaj", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        return tool()[1].splitlines()

    return ask


def test_commands_files_and_options_are_completed(complete: Any, records: Any) -> None:
    assert complete("ru") == ["plain,runs", "plain,run"]
    assert complete("run", "fl") == ["file,fl"]
    assert "plain,--limit" in complete("runs", "--")
    assert complete("runs", "--state", "fa") == ["plain,failed"]
    assert complete("completion", "z") == ["plain,zsh"]


def test_runs_and_their_steps_are_completed(complete: Any, records: Any) -> None:
    records.run(412, "failed")
    records.step(412, "start", 0)
    records.task(412, 1, "start")
    assert complete("runs", "Gen") == ["plain,GenreStats"]
    assert complete("logs", "4") == ["plain,412"]
    assert complete("dump", "Gen") == ["plain,GenreStats/412"]
    assert complete("dump", "GenreStats/412/st") == ["plain,GenreStats/412/start"]
    assert complete("dump", "412/start/") == ["plain,412/start/1"]
    assert complete("dump", "9/") == ["file,9/"]


def test_the_rest_is_asked_of_the_flow(
    complete: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = tmp_path / "answer.py"
    answer.write_text(
        "import sys, os; assert '_FALAJ_COMPLETE' not in os.environ\n"
        "print('plain\\t' + ' '.join(sys.argv[1:]) + '\\tHow many.')\n"
    )

    def program(command: str, target: str, arguments: "list[str]") -> "list[str]":
        return [sys.executable, str(answer), target, command, *arguments]

    monkeypatch.setattr(completion, "flow_program", program)
    assert complete("run", "flow.py", "--al") == ["plain,flow.py completion -- --al run"]
    assert complete("resume", "flow.py", "--tag", "x", "st") == [
        "plain,flow.py completion -- st resume --tag x"
    ]


def test_the_reference_names_every_command_and_option() -> None:
    text = command_reference()
    for name in ("run", "resume", "dump", "logs", "show", "runs", "flows", "completion"):
        assert f"### `{name}`\n" in text
    for option in ("--with SPEC", "--origin-run-id ID", "--attempt N", "--json", "--isolation"):
        assert option in text
    assert "`--datastore-root`" in text
    assert text == command_reference()
