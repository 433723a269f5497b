"""Runs that other programs start: what Runner takes, gives back, stops, and says of mistakes."""

import asyncio
import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from falaj import ExecutingRun, ExecutingTask, Flow, Runner, get_namespace, namespace
from falaj.errors import FalajException, RunNotStarted
from falaj.model import states

FLOW = """
import os, sys, time

class F(FlowSpec):
    alpha = Parameter("alpha", default=1)
    beta_rate = Parameter("beta_rate", default=0.5)
    gamma_ray = Parameter("gamma-ray", default=1)
    items = Parameter("items", type=JSONType, default=[])
    parts = Parameter("parts", separator=",", default="")
    flag = Parameter("flag", default=False)
    who = Parameter("who", default="nobody")
    path = IncludeFile("path")
    gate = Parameter("gate", default="")

    @step
    def start(self):
        print("alpha is", self.alpha)
        print("to stderr: \\u2713", file=sys.stderr)
        while self.gate and not os.path.exists(self.gate):
            time.sleep(0.01)
        if self.alpha == 13:
            raise ValueError("unlucky")
        self.variable = os.environ.get("VARIABLE")
        self.folder = os.getcwd()
        self.next(self.end)

    @step
    def end(self):
        self.doubled = self.alpha * 2
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Keep what is temporary in this test's folder, also in the programs that it starts."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def flow(project):
    project.write(FLOW)
    return str(project.path)


def test_arguments_mirror_the_command_line(flow, project, tmp_path, capfd):
    text = tmp_path / "text.txt"
    text.write_text("content")
    with Runner(flow, show_output=False, quiet=False, decospecs=["retry:times=1"]) as runner:
        result = runner.run(
            alpha=5,
            beta_rate=0.25,
            gamma_ray=7,
            items=[1, {"a": [None, True]}],
            parts="x,y",
            flag=True,
            who="--not an option\n'",
            path=text,
            tags=["one", "two words"],
            max_workers=2,
            show_values=False,
            namespace=None,
        )
        assert isinstance(result, ExecutingRun)
        assert (result.status, result.returncode) == ("successful", 0)
        assert "alpha is 5" in result.stdout
        assert "Falaj" in result.stderr
        assert result.command_obj.command[:4] == [sys.executable, flow, "--not-quiet", "--with"]
        assert set(result.command_obj.log_files) == {"stdout", "stderr"}
        assert repr(result) == "<ExecutingRun('F/1'): successful>"
        run = result.run
    values = run.data
    assert (values.alpha, values.beta_rate, values.gamma_ray) == (5, 0.25, 7)
    assert values.items == [1, {"a": [None, True]}]
    assert values.parts == ["x", "y"]
    assert values.flag is True
    assert values.who == "--not an option\n'"
    assert values.path == "content"
    assert values.doubled == 10
    assert run.user_tags == {"one", "two words"}
    assert capfd.readouterr() == ("", "")
    with pytest.raises(FileNotFoundError, match="deleted by cleanup"):
        _ = result.stdout
    assert not os.path.exists(os.path.dirname(result.command_obj.attribute_file))


def test_output_is_shown_where_it_is_asked_for(flow, capsys):
    with Runner(flow) as runner:
        result = runner.run()
        shown = capsys.readouterr()
        assert shown.out == result.stdout
        assert shown.err == result.stderr
        assert "to stderr: \u2713" in result.stdout + result.stderr


def test_a_run_that_fails_is_resumed_from_where_it_failed(flow, project):
    with Runner(flow, show_output=False) as runner:
        failed = runner.run(alpha=13)
        assert (failed.status, failed.returncode) == ("failed", 1)
        assert failed.run.state == states.FAILED
        assert "unlucky" in failed.stdout + failed.stderr
        project.write(FLOW.replace("self.alpha == 13", "self.alpha == 14"))
        resumed = runner.resume()
        assert resumed.status == "successful"
        assert resumed.run.origin_pathspec == failed.run.pathspec
        again = runner.resume(step_to_rerun="end", origin_run_id=failed.run.id)
        assert again.run.origin_pathspec == failed.run.pathspec


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        ({"max_worker": 3}, ValueError, "Runner.run() has no argument `max_worker` (did you mean "),
        ({"alpah": 3}, ValueError, "has no argument `alpah` (did you mean `alpha`?)"),
        ({"xyzzy": 3}, ValueError, "has no argument `xyzzy`. It takes `alpha`, `beta_rate`"),
        ({"alpha": "five"}, TypeError, "Parameter `alpha` takes a whole number"),
        ({"alpha": [1]}, TypeError, "Parameter `alpha` takes int, not a list"),
        ({"who": ["a"]}, TypeError, "Parameter `who` takes str, not a list"),
        ({"who": {"a": 1}}, TypeError, "Parameter `who` takes str, not a dict"),
        ({"who": True}, TypeError, "Parameter `who` takes str, not a bool"),
        ({"parts": ["a", "b"]}, TypeError, "takes a text with ',' between, not a list"),
        ({"items": {1, 2}}, TypeError, "Runner.run(): `items` takes a text, number"),
        ({"items": [{1}]}, TypeError, "`items` can't be written as JSON"),
        ({"items": ["x" * 200_000]}, ValueError, "Pass it as a file, with IncludeFile"),
        ({"max_workers": "many"}, TypeError, "`max_workers`: 'many' is not a valid integer"),
        ({"max_workers": 0}, ValueError, "`max_workers`: 0 is not in the range"),
        ({"isolation": "none"}, ValueError, "`isolation`: 'none' is not one of"),
        ({"tags": "one"}, TypeError, "`tags` takes a list of texts"),
        ({"tags": [1]}, TypeError, "`tags` takes a list of texts"),
        ({"locked": "yes"}, TypeError, "`locked` takes True or False"),
        ({"path": "absent.txt"}, ValueError, "'absent.txt' does not exist"),
        ({"decospecs": ["rety"]}, RunNotStarted, "rety"),
    ],
)
def test_a_mistake_in_the_arguments_is_told_by_their_names(flow, project, arguments, kind, said):
    with pytest.raises(kind) as caught:
        Runner(flow, show_output=False).run(**arguments)
    assert said in str(caught.value)
    assert not (project.home / "records.db").exists()


def test_a_mistake_before_the_command_is_told_as_one_of_the_constructor(flow):
    with pytest.raises(ValueError, match=r"Runner\(\) has no argument `qiet` \(did you mean"):
        Runner(flow, show_output=False, qiet=True).run()
    with pytest.raises(TypeError, match=r"Runner\(\): `quiet` takes True or False"):
        Runner(flow, show_output=False, quiet="no").run()
    with pytest.raises(ValueError, match=r"Runner\(\): `environment`: 'docker' is not one of"):
        Runner(flow, show_output=False, environment="docker").run()


def test_a_required_parameter_is_missed(project):
    project.write(FLOW.replace('"alpha", default=1', '"alpha", type=int, required=True'))
    with pytest.raises(ValueError, match=r"Runner\.run\(\) needs a value for `alpha`\."):
        Runner(str(project.path), show_output=False).run()


def test_the_constructor_looks_for_the_file_and_the_folder(flow, project, monkeypatch):
    monkeypatch.chdir(project.folder)
    with pytest.raises(FileNotFoundError, match="flwo.py .did you mean `flow.py`"):
        Runner("flwo.py")
    with pytest.raises(FileNotFoundError, match="no folder"):
        Runner("flow.py", cwd="nowhere")
    with pytest.raises(FileNotFoundError, match="is a folder"):
        Runner(str(project.folder))
    with pytest.raises(FalajException, match="Falaj has no profiles"):
        Runner("flow.py", profile="production")
    with pytest.raises(TypeError, match="VARIABLE is 5"):
        Runner("flow.py", env={"VARIABLE": 5})


def test_a_file_that_starts_nothing_says_why(project):
    def refused(source):
        project.path.write_text(source)
        with pytest.raises(RunNotStarted) as caught:
            Runner(str(project.path), show_output=False).run()
        return str(caught.value)

    syntax = refused("from falaj import *\ndef broken(:\n    pass\n")
    assert "SyntaxError" in syntax
    assert "line 2" in syntax
    assert "No module named 'absent'" in refused("import absent\n")
    assert 'if __name__ == "__main__"' in refused("from falaj import *\n")
    project.write(FLOW.replace("self.next(self.end)", "self.next(self.ned)"))
    with pytest.raises(RunNotStarted, match="did you mean `end`"):
        Runner(str(project.path), show_output=False).run()


def test_a_resume_that_is_refused_says_why(flow):
    runner = Runner(flow, show_output=False)
    with pytest.raises(RunNotStarted, match="F has no run to resume yet"):
        runner.resume()
    runner.run()
    with pytest.raises(RunNotStarted, match="no step `ned` .did you mean `end`"):
        runner.resume(step_to_rerun="ned")
    with pytest.raises(ValueError, match=r"Runner\.resume\(\) has no argument `alpha`"):
        runner.resume(alpha=5)


def test_home_folder_and_variables_are_those_that_were_asked_for(flow, tmp_path):
    there = tmp_path / "there"
    other = tmp_path / "other home"
    there.mkdir()
    env = {"FALAJ_HOME": str(other), "VARIABLE": "set"}
    with Runner(flow, show_output=False, env=env, cwd=str(there)) as runner:
        run = runner.run().run
    assert run.data.variable == "set"
    assert run.data.folder == str(there)
    assert (other / "records.db").exists()


def test_the_run_is_there_whatever_the_namespace(flow):
    before = get_namespace()
    namespace("user:somebody_else")
    try:
        assert Runner(flow, show_output=False).run().run.successful
    finally:
        namespace(before)


def test_in_an_event_loop_a_run_goes_on_in_the_background(flow, tmp_path, capsys):
    gate = tmp_path / "gate"

    async def main():
        async with Runner(flow) as runner:
            running = await runner.async_run(alpha=4, gate=str(gate))
            assert (running.status, running.returncode) == ("running", None)
            assert running.run.state == states.RUNNING
            position = 0
            async for behind, line in running.stream_log("stdout"):
                if "alpha is 4" in line:
                    position = behind
                    break
            assert capsys.readouterr().out == ""
            gate.write_text("")
            rest = [line async for _, line in running.stream_log("stdout", position)]
            assert not any("alpha is 4" in line for line in rest)
            assert "Done!" in rest[-1]
            assert await running.wait(stream="stdout") is running
            assert running.status == "successful"
            assert capsys.readouterr().out == running.stdout
            again = await runner.async_resume(step_to_rerun="end")
            await again.wait()
            assert again.run.origin_pathspec == running.run.pathspec
            with pytest.raises(ValueError, match="no stream 'both'"):
                await again.wait(stream="both")
            with pytest.raises(ValueError, match=r"Runner\.async_run\(\) has no argument `alhpa`"):
                await runner.async_run(alhpa=3)

    asyncio.run(main())


def test_a_wait_that_takes_too_long_stops_the_run(flow, tmp_path, everything_ended):
    async def main():
        async with Runner(flow) as runner:
            running = await runner.async_run(gate=str(tmp_path / "never"))
            await running.wait(timeout=0.3)
            assert running.status == "timeout"
            return running.run

    run = asyncio.run(main())
    assert run.state == states.CANCELLED
    everything_ended(run)


def test_a_run_that_is_not_recorded_in_time_is_stopped_and_told(flow, temporary):
    runner = Runner(str(flow), show_output=False, file_read_timeout=0)
    with pytest.raises(RunNotStarted, match="No run was recorded in time"):
        asyncio.run(runner.async_run())
    assert os.listdir(temporary) == []


def test_output_that_was_deleted_is_told_as_that(flow):
    async def read():
        with Runner(str(flow), show_output=False) as runner:
            running = await runner.async_run()
            await running.wait()
        with pytest.raises(FileNotFoundError, match=r"was deleted by cleanup\(\)"):
            _ = running.stdout
        with pytest.raises(FileNotFoundError, match=r"was deleted by cleanup\(\)"):
            await running.stream_log("stdout").__anext__()

    asyncio.run(read())


@pytest.mark.parametrize("waits", [False, True])
def test_output_is_shown_on_a_terminal_that_knows_few_letters(flow, monkeypatch, waits):
    shown = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(sys, "stdout", shown)
    runner = Runner(str(flow), show_output=True, env={"PYTHONIOENCODING": "utf-8"})

    async def run():
        running = await runner.async_run(who="\u2713")
        await running.wait(stream="stdout")
        return running

    running = asyncio.run(run()) if waits else runner.run(who="\u2713")
    assert "\u2713" in running.stdout
    assert "\\u2713" in shown.buffer.getvalue().decode("ascii")


def test_a_run_is_cancelled_or_killed(flow, tmp_path, until, everything_ended):
    async def main():
        runner = Runner(flow)
        polite = await runner.async_run(gate=str(tmp_path / "never"))
        rude = await runner.async_run(gate=str(tmp_path / "never"))
        polite.cancel()
        rude.kill()
        assert (polite.status, rude.status) == ("failed", "failed")
        return polite.run, rude.run

    polite, rude = asyncio.run(main())
    assert polite.state == states.CANCELLED
    everything_ended(polite)
    until(lambda: rude.state == states.LOST)


def test_several_at_once_from_threads_and_from_one_loop(flow):
    def one(alpha):
        with Runner(flow, show_output=False) as runner:
            return runner.run(alpha=alpha).run.data.doubled

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(one, range(4))) == [0, 2, 4, 6]

    async def all_of_them():
        async with Runner(flow) as runner:
            runs = await asyncio.gather(*(runner.async_run(alpha=n) for n in range(3)))
            await asyncio.gather(*(running.wait() for running in runs))
            return [running.run.data.doubled for running in runs]

    assert asyncio.run(all_of_them()) == [0, 2, 4]

    found = []
    thread = threading.Thread(target=lambda: found.extend(asyncio.run(all_of_them())))
    thread.start()
    thread.join()
    assert found == [0, 2, 4]


def test_a_step_may_run_another_flow(flow, project):
    outer = project.write(
        f"""
        from falaj import FlowSpec, Runner, step

        class Outer(FlowSpec):
            @step
            def start(self):
                self.found = Runner({flow!r}, show_output=False).run(alpha=21).run.data.doubled
                self.next(self.end)

            @step
            def end(self):
                pass

        if __name__ == "__main__":
            Outer()
        """,
        "outer.py",
    )
    with Runner(str(outer), show_output=False) as runner:
        result = runner.run()
        assert result.status == "successful", result.stdout
        assert result.run.data.found == 42


SCRIPT = """
import asyncio, sys, time
from falaj import Runner

async def main(gate, detached):
    runner = Runner("flow.py", detached=detached)
    running = await runner.async_run(gate=gate)
    waiting = asyncio.ensure_future(running.wait())
    await asyncio.sleep(0)
    print(running.run.id, flush=True)
    await waiting

def blocking(gate):
    Runner("flow.py", show_output=True).run(gate=gate)

try:
    if sys.argv[1] == "blocking":
        blocking(sys.argv[2])
    else:
        asyncio.run(main(sys.argv[2], sys.argv[1] == "detached"))
except KeyboardInterrupt:
    # As a notebook, the program lives on.
    sys.stdin.read()
    raise
"""


@pytest.fixture
def starter(flow, project, tmp_path):
    """Return a function that starts a program which runs the flow, up to its waiting task."""
    started = []

    def start(how):
        (project.folder / "script.py").write_text(SCRIPT)
        process = subprocess.Popen(
            [sys.executable, "script.py", how, str(tmp_path / "gate")],
            cwd=project.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        for line in process.stdout:
            if how != "blocking" or "alpha is" in line:
                break
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _only_run():
    run = Flow("F").latest_run
    assert run is not None
    return run


@pytest.mark.parametrize("how", ["blocking", "background"])
def test_a_run_does_not_outlive_the_program_that_is_killed(
    starter, how, until, everything_ended, temporary
):
    process = starter(how)
    run = _only_run()
    assert run.state == states.RUNNING
    process.kill()
    until(lambda: run.finished)
    assert run.state == states.CANCELLED
    everything_ended(run)
    until(lambda: not list(temporary.iterdir()))


def test_a_detached_run_outlives_the_program(starter, until, tmp_path):
    process = starter("detached")
    run = _only_run()
    process.kill()
    process.wait()
    (tmp_path / "gate").write_text("")
    until(lambda: run.finished)
    assert run.state == states.SUCCEEDED


@pytest.mark.parametrize("how", ["blocking", "background"])
@pytest.mark.parametrize("to_group", [True, False])
def test_ctrl_c_stops_the_run(starter, how, to_group, until, everything_ended):
    process = starter(how)
    run = _only_run()
    if to_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    until(lambda: run.finished)
    _, said = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in said
    assert (run.state, run.reason) == (states.CANCELLED, "stopped by SIGINT")
    everything_ended(run)


def test_a_single_step_is_spun(flow):
    async def in_the_background(runner):
        spinning = await runner.async_spin("end", persist=True)
        await spinning.wait()
        return spinning.task

    with Runner(flow, show_output=False) as runner:
        run = runner.run(alpha=4).run
        spun = runner.spin(f"{run.id}/start", persist=True)
        assert isinstance(spun, ExecutingTask)
        assert spun.status == "successful"
        assert spun.task.parent.id == "start"
        assert "alpha is 4" in spun.task.stdout
        assert asyncio.run(in_the_background(runner)).data.doubled == 8
        with pytest.raises(
            ValueError, match=r"Runner\.spin\(\) has no argument `persits` .did you"
        ):
            runner.spin("end", persits=True)
        with pytest.raises(RunNotStarted, match="no step `ned`"):
            runner.spin("ned")
        assert [one.id for one in Flow("F")] == [run.id]


def test_the_option_may_be_typed_by_hand(project, tmp_path):
    file = tmp_path / "attributes.json"
    project.run(FLOW, "--runner-attribute-file", file)
    assert '"flow_name": "F", "run_id": "1"' in file.read_text()
    file.unlink()
    project.command("run", "--alpha", "x", "--runner-attribute-file", file, code=2)
    assert '"error"' in file.read_text()
