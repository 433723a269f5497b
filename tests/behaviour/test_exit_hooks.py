"""Functions that are called once a run has ended: when, with what, and what they can't do."""

import os
import signal
from pathlib import Path

import pytest

from falaj import Run

FLOW = """
import os, sys, time

def told(run):
    print("told", run.pathspec, run.state, run.finished, run.successful, run.data is not None)
    print("to stderr", file=sys.stderr)
    open("told", "a").write("%s %s\\n" % (run.id, os.getpid()))

def alone():
    open("alone", "a").write("%s\\n" % os.getpid())

def keywords(**given):
    open("keywords", "w").write(",".join(given))

def broken(run):
    print("before it breaks", end="")
    raise ValueError("no network")

def dies():
    os.kill(os.getpid(), 9)

def leaves():
    sys.exit(3)

def hangs():
    open("hangs", "w").write(str(os.getpid()))
    if not os.path.exists("polite"):
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)

{decorators}
class F(FlowSpec):
    fails = Parameter("fails", default=False)

    @step
    def start(self):
        self.running = current.is_running_flow
        assert not self.fails
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.fixture
def hooked(project):
    """Return a function that runs the flow under decorators."""

    def run(decorators, *arguments, **options):
        return project.run(FLOW.replace("{decorators}", decorators), *arguments, **options)

    return run


def content(project, name):
    path: Path = project.folder / name
    return path.read_text() if path.exists() else None


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_hook_gets_the_finished_run(hooked, project, isolation):
    done = hooked("@exit_hook(on_success=[told])", "--isolation", isolation)
    assert f"[exit_hook told] told F/{done.run.id} succeeded True True True" in done.out
    assert "[exit_hook told] to stderr" in done.out
    assert done.out.index("[exit_hook told]") < done.out.index("Done!")
    run, pid = content(project, "told").split()
    assert run == done.run.id
    assert int(pid) != os.getpid()
    log = done.run.exit_hooks_log
    assert log.startswith(f"[exit_hook told]\ntold F/{run} succeeded True True True\n")
    assert "to stderr\n" in log
    assert log in project.command("logs", run).out


def test_hooks_of_a_failure_are_called_after_one(hooked, project):
    decorators = "@exit_hook(on_success=[told], on_error=[alone])"
    assert hooked(decorators).run.successful
    assert content(project, "told") is not None
    assert content(project, "alone") is None
    failed = hooked(decorators, "--fails", "True", code=1)
    assert failed.run.state == "failed"
    assert len(content(project, "alone").split()) == 1
    assert len(content(project, "told").splitlines()) == 1


def test_each_hook_has_a_process_and_its_turn(hooked, project):
    hooked(
        """
@exit_hook(on_success=keywords)
@exit_hook(on_success=["told", alone, "os.path.supports_unicode_filenames.nothing"])
@exit_hook(on_success=[alone, "os.getcwd"], on_error=[broken])
""".strip()
    )
    pids = content(project, "alone").split()
    pids.append(content(project, "told").split()[1])
    assert len(set(pids)) == len(pids) == 3
    assert content(project, "keywords") == "run"


@pytest.mark.parametrize(
    ("hook", "text"),
    [
        ("broken", "ValueError: no network"),
        ("dies", "Its process was killed by SIGKILL"),
        ("leaves", "SystemExit: 3"),
        ('"os.nothing"', "There is no function `os.nothing`"),
        ('"no.such_module"', "No module named 'no'"),
    ],
)
def test_a_hook_that_fails_changes_nothing(hooked, project, hook, text):
    done = hooked(f"@exit_hook(on_success=[{hook}, alone])")
    assert done.run.state == "succeeded"
    name = hook.strip('"')
    wanted = f"[exit_hook {name}] failed, which changes nothing about the run: "
    assert wanted in done.out
    assert text in done.out
    assert text in done.run.exit_hooks_log
    assert len(content(project, "alone").split()) == 1
    assert "falaj/runtime" not in done.out


def test_a_traceback_of_a_hook_shows_its_own_line(hooked, project):
    done = hooked("@exit_hook(on_success=[broken])")
    assert "[exit_hook broken] before it breaks" in done.out
    assert f'flow.py", line {project.line_of("raise ValueError")}, in broken' in done.out


@pytest.mark.parametrize("polite", [True, False])
def test_a_hook_that_hangs_is_ended(hooked, project, is_alive, polite):
    if polite:
        (project.folder / "polite").touch()
    done = hooked(
        "@exit_hook(on_success=[hangs, alone])",
        env={"FALAJ_EXIT_HOOK_TIMEOUT": "0.3", "FALAJ_STOP_GRACE": "0.1"},
    )
    assert "it did not end within 0.3 seconds (FALAJ_EXIT_HOOK_TIMEOUT)" in done.out
    assert done.run.successful
    assert not is_alive(int(content(project, "hangs")))
    assert len(content(project, "alone").split()) == 1


def test_what_a_hook_leaves_running_is_ended(hooked, is_alive):
    leaves = "lambda: print('pid', os.spawnlp(os.P_NOWAIT, 'sleep', 'sleep', '600'))"
    done = hooked(f"@exit_hook(on_success=[{leaves}])")
    assert done.run.successful
    pid = int(done.out.partition("[exit_hook <lambda>] pid ")[2].split()[0])
    assert not is_alive(pid)


def test_ctrl_c_calls_the_hooks_of_a_failure(project, until):
    project.write(
        FLOW.replace("{decorators}", "@exit_hook(on_error=[told])").replace(
            "        assert not self.fails\n",
            '        open("started", "w").close()\n        time.sleep(600)\n',
        )
    )
    process = project.start("run")
    until((project.folder / "started").exists)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "[exit_hook told] told F/1 cancelled True False False" in out
    assert Run("F/1").state == "cancelled"


def test_ctrl_c_ends_a_hook_and_calls_no_other(project, until, is_alive):
    project.write(FLOW.replace("{decorators}", "@exit_hook(on_success=[hangs, alone])"))
    process = project.start("run")
    pid = int(until(lambda: content(project, "hangs")))
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "hangs] failed, which changes nothing about the run: it was interrupted." in out
    assert "The exit hook `alone` was not called." in out
    assert content(project, "alone") is None
    assert Run("F/1").successful
    assert not is_alive(pid)


@pytest.mark.parametrize("victim", ["control", "launcher"])
def test_a_kill_while_a_hook_runs_leaves_the_run_as_it_ended(project, until, is_alive, victim):
    project.write(FLOW.replace("{decorators}", "@exit_hook(on_success=[hangs])"))
    process = project.start("run")
    pid = int(until(lambda: content(project, "hangs")))
    lease = Run("F/1")._facts.record.lease
    os.kill(lease["pid"] if victim == "control" else process.pid, signal.SIGKILL)
    until(lambda: not is_alive(pid))
    until(lambda: not is_alive(lease["pid"]))
    process.wait(timeout=60)
    assert Run("F/1").state == "succeeded"
    assert Run("F/1").successful


def test_no_hook_is_called_for_a_run_that_is_killed(project, until):
    project.write(
        FLOW.replace("{decorators}", "@exit_hook(on_error=[told])").replace(
            "        assert not self.fails\n",
            '        open("started", "w").close()\n        time.sleep(600)\n',
        )
    )
    process = project.start("run")
    until((project.folder / "started").exists)
    os.kill(Run("F/1")._facts.record.lease["pid"], signal.SIGKILL)
    process.communicate(timeout=60)
    assert Run("F/1").state == "lost"
    assert content(project, "told") is None
    assert Run("F/1").exit_hooks_log == ""


def test_quiet_runs_hooks_quietly(hooked):
    done = hooked("@exit_hook(on_success=[told])", "--quiet")
    assert "told F/" not in done.out + done.err
    assert "told F/1" in done.run.exit_hooks_log


def test_a_hook_that_is_no_function_of_the_file_is_told_before_the_run(hooked):
    refused = hooked('@exit_hook(on_error=["tolled"])', code=1)
    assert "`tolled`, which the flow's file does not have (did you mean `told`?)" in refused.err
