"""Logs to the last byte, code snapshots, and the ways to start a flow."""

import subprocess
import sys

import pytest

ONE = """
import os, sys

class F(FlowSpec):
    @step
    def only(self):
{body}
"""


@pytest.fixture
def log(project):
    """Return a function that runs a body and gives the task."""

    def run(body, *arguments, **options):
        indented = "\n".join(" " * 8 + line for line in body.strip("\n").split("\n"))
        result = project.run(ONE.replace("{body}", indented), *arguments, **options)
        return result.run["only"].task

    return run


@pytest.mark.parametrize(
    ("body", "out", "err"),
    [
        ("print('a'); print('b')", "a\nb\n", ""),
        ("print('no newline', end='')", "no newline", ""),
        ("print('a\\n\\nb')", "a\n\nb\n", ""),
        ("print('größe 漢字 🐫', file=sys.stderr)", "", "größe 漢字 🐫\n"),
        ("print('lone \\udc80')", "lone \\udc80\n", ""),
        ("os.system('echo from a child; echo problem >&2')", "from a child\n", "problem\n"),
        ("os.write(1, b'raw\\n'); os.write(2, b'err')", "raw\n", "err"),
        ("sys.stdout.write('x'); sys.stderr.write('y'); sys.stdout.write('z\\n')", "xz\n", "y"),
        ("print('tab\\tand\\rreturn')", "tab\tand\rreturn\n", ""),
        ("print('a' * 200_000)", "a" * 200_000 + "\n", ""),
        ("pass", "", ""),
    ],
)
def test_what_is_printed_is_kept(log, body, out, err):
    task = log(body)
    assert (task.stdout, task.stderr) == (out, err)
    assert (task.stdout_size, task.stderr_size) == (len(out.encode()), len(err.encode()))


def test_what_a_killed_task_printed_is_kept_and_why_it_died(log):
    task = log("print('x', flush=True); os.kill(os.getpid(), 9)", code=1)
    assert task.stdout == "x\n"
    assert "SIGKILL" in task.stderr


def test_bytes_that_are_no_text(log):
    task = log("os.write(1, b'\\xff\\xfe ok\\n')")
    assert task.stdout == "\ufffd\ufffd ok\n"
    assert [line for _, line in task.loglines("stdout", as_unicode=False)] == [b"\xff\xfe ok"]


def test_a_hundred_thousand_lines(log):
    task = log("for n in range(100_000): print('line', n)", "--quiet")
    assert task.stdout == "".join(f"line {n}\n" for n in range(100_000))


def test_lines_have_times_in_order(log):
    task = log("for n in range(50): print(n, flush=True)")
    lines = list(task.loglines("stdout"))
    assert [line for _, line in lines] == [str(n) for n in range(50)]
    times = [at for at, _ in lines]
    assert times == sorted(times)
    assert list(task.loglines("stderr")) == []


def test_the_streams_are_in_order_of_time_in_the_command(log, project):
    log(
        """
import time
for n in range(3):
    print("out", n, flush=True)
    time.sleep(0.05)
    print("err", n, file=sys.stderr, flush=True)
    time.sleep(0.05)
"""
    )
    shown = project.command("logs", "1/only")
    both = [f"{stream} {n}" for n in range(3) for stream in ("out", "err")]
    assert shown.out.splitlines() == both
    assert project.command("logs", "1/only", "--stderr").out == "err 0\nerr 1\nerr 2\n"
    assert project.command("logs", "1/only", "--stdout").out == "out 0\nout 1\nout 2\n"
    for given in (("--stdout", "--stderr"), ("--stderr", "--stdout"), ("--both",)):
        assert project.command("logs", *given, "1/only").out == shown.out


def test_a_flood_is_cut_and_says_so(log):
    task = log("for n in range(50_000): print('x' * 99)", "--max-log-size", "1", "--quiet")
    assert 900_000 < task.stdout_size < 1_200_000
    assert "cut here" in task.stdout.splitlines()[-1]


def test_lines_reach_the_terminal_with_their_task(project):
    result = project.run(ONE.replace("{body}", "        print('said in a step')"))
    line = next(line for line in result.out.splitlines() if "said in a step" in line)
    assert "[1/only/1" in line


def test_a_running_tasks_log_can_be_read(project, until):
    project.write(
        ONE.replace(
            "{body}",
            "        print('early', flush=True)\n        import time\n"
            "        while not os.path.exists('go'): time.sleep(0.01)",
        )
    )
    process = project.start("run")
    from falaj import Falaj, Run

    until(lambda: any(flow.latest_run for flow in Falaj()))
    run = Run("F/1")
    until(lambda: "only" in run and run["only"].task and run["only"].task.stdout == "early\n")
    assert run["only"].task.state == "running"
    (project.folder / "go").touch()
    assert process.communicate(timeout=30)
    assert process.returncode == 0


def test_the_code_of_a_run_is_kept(project):
    (project.folder / "package").mkdir()
    project.write("VALUE = 1\n", "package/__init__.py")
    project.write("from package import VALUE\n", "helper.py")
    project.write("NEVER = 1\n", "unrelated.py")
    source = ONE.replace("{body}", "        self.x = VALUE").replace(
        "import os, sys", "from helper import VALUE"
    )
    run = project.run(source).run
    text = project.path.read_text()
    project.path.write_text("changed")
    code = run.code
    assert code.flowspec == text
    assert code.script_name == "flow.py"
    assert set(code.files) == {"flow.py", "helper.py", "package/__init__.py"}
    assert run["only"].task.code.flowspec == text
    with code.extract() as folder:
        from pathlib import Path

        assert (Path(folder) / "package" / "__init__.py").read_text() == "VALUE = 1"


def test_a_flow_file_that_changes_while_it_runs_changes_nothing(project):
    project.write(
        """
        class F(FlowSpec):
            @step
            def start(self):
                path = __file__
                text = open(path).read()
                open(path, "w").write("this is no Python (")
                self.text = text
                self.next(self.end)

            @step
            def end(self):
                self.x = 1
        """
    )
    for isolation in ("fork", "spawn"):
        text = project.path.read_text()
        assert project.command("run", "--isolation", isolation).data.x == 1
        project.path.write_text(text)


WITHOUT_GUARD = """
from falaj import FlowSpec, step
from helper import VALUE

class First(FlowSpec):
    @step
    def only(self):
        self.x = ("first", VALUE)
"""
SECOND = """
class Second(FlowSpec):
    @step
    def only(self):
        self.x = ("second", VALUE)
"""


def launch(project, *arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "falaj.runtime.launch", *arguments],
        cwd=cwd or project.folder,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def write_plain(project, source):
    (project.folder / "helper.py").write_text("VALUE = 5\n")
    project.path.write_text(source)


def test_a_file_without_a_main_guard(project):
    from falaj import Flow

    write_plain(project, WITHOUT_GUARD)
    done = launch(project, "flow.py", "run")
    assert done.returncode == 0, done.stderr
    assert Flow("First").latest_run.data.x == ("first", 5)
    done = launch(project, str(project.path), "run", "--isolation", "spawn", cwd="/")
    assert done.returncode == 0, done.stderr
    assert len(Flow("First")) == 2


def test_one_of_several_flows_by_name(project):
    from falaj import Flow

    write_plain(project, WITHOUT_GUARD + SECOND)
    done = launch(project, "flow.py", "run")
    assert done.returncode == 1
    assert "First" in done.stderr
    assert "Second" in done.stderr
    assert "Traceback" not in done.stderr
    done = launch(project, "flow.py:Second", "run")
    assert done.returncode == 0, done.stderr
    assert Flow("Second").latest_run.data.x == ("second", 5)
    done = launch(project, "flow.py:Third", "run")
    assert done.returncode == 1
    assert "Third" in done.stderr


def test_files_that_hold_no_flow_or_are_not_there(project):
    project.path.write_text("x = 1\n")
    done = launch(project, "flow.py", "run")
    assert done.returncode == 1
    assert "flow.py" in done.stderr
    done = launch(project, "absent.py", "run")
    assert done.returncode == 1
    assert "absent.py" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_main_guard_with_other_work_before_the_flow(project):
    from falaj import Flow

    write_plain(
        project,
        WITHOUT_GUARD + '\nif __name__ == "__main__":\n    prepared = 1\n    First()\n',
    )
    assert project.command("run").code == 0
    assert launch(project, "flow.py", "run").returncode == 0
    assert len(Flow("First")) == 2


def test_a_main_guard_within_a_function(project):
    write_plain(
        project,
        WITHOUT_GUARD
        + "\ndef main():\n    try:\n        First()\n    finally:\n        print('left')\n"
        + '\nif __name__ == "__main__":\n    main()\n',
    )
    result = project.command("run")
    assert result.out.count("left") == 1
    result = project.command("run", "--isolation", "spawn")
    assert result.data.x == ("first", 5)
