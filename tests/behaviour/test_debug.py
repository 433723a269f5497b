"""`falaj debug`: a task opened where it failed, from any folder, without changing anything."""

import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest
from wheels import make_wheel

from falaj import Flow, Run

FLOW = """
from settings import DIVISOR

class F(FlowSpec):
    scale = Parameter("scale", default=3)

    @step
    def start(self):
        self.items = [4, 0, 2]
        self.base = 12
        self.next(self.work, foreach="items")

    @step
    def work(self):
        print("printed by the step")
        part = self.input + DIVISOR
        self.before = "set before the failure"
        self.share = self.base / part
        self.next(self.join)

    @step
    def join(self, inputs):
        self.shares = [one.share for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


class Debugger:
    """Types `falaj debug` in a folder that has nothing to do with the flow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments, code=0, typed=None):
        done = subprocess.run(
            [sys.executable, "-m", "falaj_control.cli.main", "debug", *map(str, arguments)],
            cwd=self.folder,
            input=typed or "",
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done


@pytest.fixture
def debug(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return Debugger(folder)


@pytest.fixture
def failed(project):
    """Give a project with a run whose second task of three has failed, and its failed task."""
    project.write("DIVISOR = 0\n", "settings.py")
    project.fail(FLOW, "--max-workers", 1)
    return next(task for task in Run("F/1")["work"] if task.state == "failed")


def test_the_frame_that_raised_with_all_that_was_there(failed, debug):
    code = "part, self.input, self.index, self.scale, self.before, DIVISOR, type(error).__name__"
    done = debug(failed.pathspec, "-c", code)
    assert done.stdout == "(0, 0, 1, 3, 'set before the failure', 0, 'ZeroDivisionError')\n"
    assert "printed by the step" in done.stderr
    assert "Stopped in work" in done.stderr
    assert "self.share = self.base / part" in done.stderr
    assert "falaj/runtime" not in done.stderr


def test_current_is_that_of_the_task(failed, debug):
    code = "current.pathspec, current.run_id, current.is_running_flow, current.task.state"
    done = debug("F/1", "-c", code)
    assert done.stdout == f"('{failed.pathspec}', '1', True, 'failed')\n"


def test_a_run_or_a_step_stands_for_its_first_failed_task(failed, debug):
    for path in ("1", "F/1", "F/1/work", "1/work", f"1/work/{failed.id}"):
        assert debug(path, "-c", "self.index").stdout == "1\n", path


def test_the_code_of_the_run_is_used_or_that_of_now(project, failed, debug):
    project.write("DIVISOR = 2\n", "settings.py")
    assert debug("F/1", "-c", "part, DIVISOR").stdout == "(0, 0)\n"
    done = debug("F/1", "--current", "-c", "self.share, DIVISOR")
    assert done.stdout == "(6.0, 2)\n"
    assert "did not raise this time" in done.stderr
    project.path.unlink()
    (project.folder / "settings.py").unlink()
    assert debug("F/1", "-c", "part").stdout == "0\n"
    assert "is not there any more" in debug("F/1", "--current", "-c", "1", code=1).stderr


def test_the_state_alone_runs_nothing(failed, debug):
    done = debug("F/1", "--state", "-c", "self.before, hasattr(self, 'share'), self.input")
    assert done.stdout == "('set before the failure', False, 0)\n"
    assert "printed by the step" not in done.stderr


def test_a_task_that_succeeded_opens_with_its_state(project, failed, debug):
    done = debug("F/1/start", "-c", "self.items, self.base")
    assert done.stdout == "([4, 0, 2], 12)\n"
    project.write("DIVISOR = 1\n", "settings.py")
    project.resume()
    done = debug("2/join", "-c", "self.shares, [one.share for one in inputs], len(inputs)")
    # The first was reused from the run before.
    assert done.stdout == "([3.0, 12.0, 4.0], [3.0, 12.0, 4.0], 3)\n"
    reused = next(task for task in Run("F/2")["work"] if task.index == 0)
    assert debug(reused.pathspec, "-c", "self.share, DIVISOR, current.run_id").stdout == (
        "(3.0, 0, '1')\n"
    )
    assert "has no failed task" in debug("2", "-c", "1", code=1).stderr


def test_nothing_is_recorded_and_nothing_changes(project, failed, debug):
    def everything():
        files = {
            path: path.read_bytes()
            for path in sorted((project.home / "store").rglob("*"))
            if path.is_file()
        }
        facts = [
            (task.pathspec, task._facts.sight(), sorted(task.data), task.stdout, task.stderr)
            for run in Flow("F")
            for step in run
            for task in step
        ]
        return files, facts

    before = everything()
    debug("F/1", "-c", "self.base = 99; self.share = 1")
    debug("F/1", "--current", "-c", "self.base")
    assert everything() == before


def test_code_that_fails_or_prints(failed, debug):
    done = debug("F/1", "-c", "x = 1\nraise KeyError('mine')", code=1)
    assert "KeyError: 'mine'" in done.stderr
    assert "shells.py" not in done.stderr
    assert debug("F/1", "-c", "print([part + n for n in range(2)])").stdout == "[0, 1]\n"
    assert "SyntaxError" in debug("F/1", "-c", "def", code=1).stderr
    assert debug("F/1", "-c", "raise SystemExit(3)", code=3).stdout == ""
    assert debug("F/1", "-c", "").stdout == ""


def test_a_shell(failed, debug):
    done = debug("F/1", typed="part\nself.base + 1\nself\n")
    assert "0" in done.stdout
    assert "13" in done.stdout
    assert "There is self, current, error." in done.stderr


def test_the_debugger_stands_in_the_users_frame(project, debug):
    project.fail(
        """
        import json

        class F(FlowSpec):
            @step
            def start(self):
                text = "{not json"
                json.loads(text)
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    done = debug("1", "--pdb", typed="p text\ndown\nw\nq\n")
    assert "'{not json'" in done.stdout
    assert "json/decoder.py" in done.stdout
    assert "falaj/runtime" not in done.stdout
    assert debug("1", "-c", "text").stdout == "'{not json'\n"
    assert "leave out" in debug("1", "--pdb", "-c", "1", code=2).stderr


@pytest.mark.parametrize("shell", ["IPython", "Python's own"])
def test_the_shell_on_a_terminal(failed, debug, shell, tmp_path):
    prompt, enter = (b"In [1]: ", b"\r") if shell == "IPython" else (b">>> ", b"\n")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    if shell != "IPython":
        text = "raise ImportError('as if it were not installed')"
        (hidden / "IPython.py").write_text(text, encoding="utf-8")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "falaj_control.cli.main", "debug", "F/1"],
        cwd=debug.folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        # Without colours and questions about where the cursor is.
        env={**os.environ, "TERM": "dumb", "PYTHONPATH": str(hidden), "IPYTHONDIR": str(hidden)},
    )
    os.close(theirs)
    shown = b""

    def read_until(text):
        nonlocal shown
        while text not in shown:
            shown += os.read(ours, 4096)
        shown = shown.partition(text)[2]

    read_until(prompt)
    os.write(ours, b"print('part is', part)" + enter)
    read_until(b"part is 0")
    read_until(prompt.replace(b"1", b"2"))
    waiting = select.poll()
    waiting.register(ours, select.POLLIN)
    # Typed again while nothing comes: a shell that is about to read may not have got the first.
    while True:
        try:
            if waiting.poll(200):
                os.read(ours, 4096)
            else:
                os.write(ours, b"\x04")
        except OSError:
            break
    assert process.wait(60) == 0
    os.close(ours)


def test_one_attempt_of_several(project, debug):
    project.run(
        """
        class F(FlowSpec):
            @retry(times=2, seconds_between_retries=0)
            @step
            def start(self):
                self.tried = current.retry_count
                if current.retry_count < 2:
                    raise ValueError("not yet")
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert debug("1/start", "-c", "self.tried").stdout == "2\n"
    for attempt in (0, 1):
        done = debug("1/start/1", "--attempt", attempt, "-c", "current.retry_count, str(error)")
        assert done.stdout == f"({attempt}, 'not yet')\n"
        state = debug("1/start/1", "--attempt", attempt, "--state", "-c", "self.tried")
        assert state.stdout == f"{attempt}\n"
        assert debug("1/start", "--attempt", attempt, "-c", "self.tried").stdout == f"{attempt}\n"
    assert "has no attempt 7" in debug("1/start/1", "--attempt", 7, "-c", "1", code=1).stderr
    for path in ("1", "1/start"):
        done = debug(path, "--attempt", 7, "-c", "1", code=1)
        assert f"No task of F/{path} has an attempt 7." in done.stderr


def test_a_tolerated_failure_and_a_process_that_died(project, debug):
    project.fail(
        """
        import os

        class F(FlowSpec):
            @catch(var="failure", print_exception=False)
            @step
            def start(self):
                part = "kept"
                {}["absent"]
                self.next(self.end)

            @step
            def end(self):
                self.something = 1
                os.kill(os.getpid(), 9)
        """
    )
    assert debug("1/start", "-c", "part, error.args").stdout == "('kept', ('absent',))\n"
    assert "SIGKILL" in debug("1", "-c", "1", code=1).stderr
    state = debug("1", "--state", "-c", "self.failure.type, hasattr(self, 'something')")
    assert state.stdout == "('KeyError', False)\n"
    assert "left nothing behind" in state.stderr


def test_variables_and_folder_are_those_of_the_step(project, debug):
    (project.folder / "data.txt").write_text("data")
    (project.folder / "more").mkdir()
    (project.folder / "more" / "deep.txt").write_text("deep")
    project.fail(
        """
        import os
        from pathlib import Path

        class F(FlowSpec):
            @environment(vars={"SET": "by the decorator"})
            @step
            def start(self):
                here = Path("data.txt").read_text()
                beside = (Path(__file__).parent / "data.txt").read_text()
                deep = (Path(__file__).parent / "more" / "deep.txt").read_text()
                raise ValueError(os.environ["SET"])
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    done = debug("1", "-c", "str(error), beside, deep, os.getcwd()")
    assert done.stdout == f"('by the decorator', 'data', 'deep', '{project.folder}')\n"


def test_modules_from_outside_of_the_flows_folder(project, debug, monkeypatch):
    library = project.folder.parent / "library"
    (library / "parts").mkdir(parents=True)
    (library / "parts" / "__init__.py").write_text("")
    (library / "parts" / "piece.py").write_text("SIZE = 'as it was'\n")
    monkeypatch.setenv("PYTHONPATH", str(library))
    project.fail(
        """
        from parts import piece

        class F(FlowSpec):
            @step
            def start(self):
                size = piece.SIZE
                raise ValueError(size)
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    (library / "parts" / "piece.py").write_text("SIZE = 'changed'\n")
    monkeypatch.delenv("PYTHONPATH")
    assert debug("1", "-c", "size").stdout == "'as it was'\n"


def test_code_that_can_not_be_imported_any_more(project, failed, debug):
    project.write("raise ImportError('moved away')\n", "settings.py")
    done = debug("1", "--current", "-c", "1", code=1)
    assert "The flow's code can't be imported" in done.stderr
    assert "moved away" in done.stderr
    assert "falaj/runtime" not in done.stderr


def test_a_step_in_an_environment_of_its_own(project, debug, monkeypatch):
    monkeypatch.setenv("UV_NO_INDEX", "1")
    make_wheel(project.folder / "wheels", "tool", "1.0")
    project.fail(
        """
        class F(FlowSpec):
            @pypi(packages={"tool": "1.0"}, find_links=["wheels"])
            @step
            def start(self):
                import sys, tool
                version, prefix = tool.version, sys.prefix
                raise ValueError("in its environment")
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    code = "version, tool.__name__, str(error), sys.prefix == prefix, 'click' in sys.modules"
    done = debug("1", "-c", code)
    assert done.stdout == "('1.0', 'tool', 'in its environment', True, False)\n"
    (project.folder / "wheels" / "tool-1.0-py3-none-any.whl").unlink()
    assert debug("1", "-c", "version").stdout == "'1.0'\n"


def test_paths_that_lead_nowhere(project, failed, debug):
    assert "There is no run 9" in debug("9", code=1).stderr
    assert "did you mean" in debug("1/wrok", code=1).stderr.lower()
    assert "There is no task" in debug("1/work/77", code=1).stderr
