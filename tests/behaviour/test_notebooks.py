"""Real notebooks in a real kernel: flows in cells, runs from cells, results as cells show them."""

import os
import signal
import textwrap
import threading

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from falaj import Falaj, Flow, namespace

# The kernel's machinery closes sockets and loops when it is collected.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

FLOW = """import os, time
from falaj import FlowSpec, Parameter, step

class CellFlow(FlowSpec):
    count = Parameter("count", default=2)
    gate = Parameter("gate", default="")

    @step
    def start(self):
        print("counting to", self.count)
        while self.gate and not os.path.exists(self.gate):
            time.sleep(0.01)
        self.next(self.end)

    @step
    def end(self):
        self.total = sum(range(self.count))
"""


class Notebook:
    """A notebook that is written cell by cell and then executed whole."""

    def __init__(self, folder):
        self.folder = folder
        self.client = None

    def interrupt(self, to_group):
        """Press Ctrl-C, as notebooks do: for all of the kernel's processes, or for it alone."""
        pid = self.client.km.provisioner.pid
        if to_group:
            os.killpg(pid, signal.SIGINT)
        else:
            os.kill(pid, signal.SIGINT)

    def execute(self, *cells):
        """Execute the cells in a kernel; return what each of them showed, as text."""
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(textwrap.dedent(cell)) for cell in cells]
        self.client = NotebookClient(
            notebook, timeout=60, resources={"metadata": {"path": str(self.folder)}}
        )
        self.client.execute()
        return [_shown(cell.outputs) for cell in notebook.cells]


def _shown(outputs):
    parts = []
    for one in outputs:
        parts.append(one.get("text", ""))
        parts += [str(value) for value in one.get("data", {}).values()]
    return "".join(parts)


@pytest.fixture
def notebook(home, tmp_path, monkeypatch):
    """Return a notebook in a folder of its own, whose kernels are this very Python."""
    folder = tmp_path / "notes"
    folder.mkdir()
    for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    namespace(None)
    return Notebook(folder)


def test_a_flow_of_a_cell_runs_and_resumes(notebook):
    shown = notebook.execute(
        FLOW + "\nfrom falaj import NBRunner\nrun = NBRunner(CellFlow).nbrun(count=4)",
        "print(run.pathspec, run.data.total, run.successful)",
        "run",
        "resumed = NBRunner(CellFlow, show_output=False).nbresume(step_to_rerun='end')",
        "print(resumed.origin_pathspec, resumed.data.total)",
        "resumed['start'].task.data",
        "resumed.end_task['total']",
    )
    assert "counting to 4" in shown[0]
    assert "Done! CellFlow/1" in shown[0]
    assert shown[1] == "CellFlow/1 6 True\n"
    assert "<table" in shown[2]
    assert shown[3] == ""
    assert shown[4] == "CellFlow/1 6\n"
    assert "count" in shown[5]
    assert "6" in shown[6]
    # The cell's file is gone, and so is the output.
    assert os.listdir(notebook.folder) == []


def test_runs_go_on_in_the_loop_of_the_kernel(notebook, tmp_path):
    gate = tmp_path / "gate"
    shown = notebook.execute(
        FLOW,
        f"""
        from falaj import NBRunner
        runner = NBRunner(CellFlow)
        running = await runner.async_run(count=3, gate={str(gate)!r})
        print(running.status, running.run.state)
        """,
        f"""
        async for position, line in running.stream_log("stdout"):
            if "counting to 3" in line:
                break
        open({str(gate)!r}, "w").close()
        await running.wait(stream="stdout")
        print(running.status, running.run.data.total)
        """,
        """
        import asyncio
        several = await asyncio.gather(*(runner.async_run(count=n) for n in (4, 5)))
        await asyncio.gather(*(one.wait() for one in several))
        print([one.run.data.total for one in several])
        runner.cleanup()
        """,
    )
    assert shown[1] == "running running\n"
    assert "counting to 3" in shown[2]
    assert shown[2].endswith("successful 3\n")
    assert shown[3] == "[6, 10]\n"


def test_runner_runs_a_file_inside_the_running_loop(notebook):
    (notebook.folder / "flow.py").write_text(
        FLOW + "\nif __name__ == '__main__':\n    CellFlow()\n"
    )
    shown = notebook.execute(
        """
        from falaj import Runner
        with Runner("flow.py", show_output=False) as runner:
            result = runner.run(count=5)
            print(result.status, result.run.data.total)
        """,
        """
        async with Runner("flow.py") as runner:
            running = await runner.async_run(count=6)
            await running.wait()
            print(running.status, running.run.data.total)
        """,
    )
    assert shown == ["successful 10\n", "successful 15\n"]


def test_what_the_cell_lacks_is_told_with_the_lines_to_add(notebook):
    with pytest.raises(CellExecutionError) as caught:
        notebook.execute(
            "import math as m\nfrom falaj import FlowSpec, step, NBRunner\nLIMIT = 3\n"
            "def helper(x):\n    return x",
            """
            class Lacking(FlowSpec):
                @step
                def start(self):
                    self.value = helper(m.sqrt(LIMIT))
                    display(self.value)
                    self.next(self.end)

                @step
                def end(self):
                    pass
            """,
            "NBRunner(Lacking)",
        )
    said = str(caught.value)
    assert "The cell that defines Lacking uses `FlowSpec`, `LIMIT`, `display`, `helper`" in said
    assert "from falaj import FlowSpec" in said
    assert "from falaj import step" in said
    assert "import math as m" in said
    assert "from IPython.display import display" in said
    assert "Define in that cell, or pass as a parameter: `LIMIT` and `helper`" in said
    assert os.listdir(notebook.folder) == []


def test_a_cell_with_magic_helpers_and_calls_runs_as_a_file(notebook):
    (notebook.folder / "neighbour.py").write_text("FACTOR = 7\n")
    shown = notebook.execute(
        """
        %precision 3
        from falaj import *
        from neighbour import FACTOR
        x = 1; y = get_ipython()

        class Helped(FlowSpec):
            @step
            def start(self):
                self.value = double(x) * FACTOR  # \u00e9\u00e9
                self.next(self.end)

            @step
            def end(self):
                pass

        def double(value):
            return value * 2

        print("only in the notebook"); result = NBRunner(Helped).run()
        print(result.run.data.value, "only in the notebook" in result.stdout)
        """,
    )
    assert shown[-1].endswith("14 False\n")


def test_an_error_in_a_step_names_the_line_of_the_cell(notebook):
    shown = notebook.execute(
        FLOW.replace("self.total = ", "self.total = 1 / 0 * ")
        + "\nfrom falaj import NBRunner\nrun = NBRunner(CellFlow).nbrun()",
        "print(run.state, run['end'].task.exception.location)",
    )
    line = FLOW.splitlines().index("        self.total = sum(range(self.count))") + 1
    assert "ZeroDivisionError" in shown[0]
    assert shown[1].startswith("failed ")
    assert shown[1].rstrip().endswith(f":{line}")


@pytest.mark.parametrize("to_group", [True, False])
def test_interrupting_the_kernel_stops_the_run(notebook, tmp_path, until, to_group):
    def is_counting():
        runs = [flow.latest_run for flow in Falaj()]
        return any("counting" in task.stdout for run in runs for step in run for task in step)

    def interrupt():
        until(is_counting)
        notebook.interrupt(to_group)

    gate = str(tmp_path / "never")
    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(CellExecutionError, match="KeyboardInterrupt"):
        notebook.execute(
            FLOW + "\nfrom falaj import NBRunner", f"NBRunner(CellFlow).nbrun(gate={gate!r})"
        )
    thread.join()
    run = Flow("CellFlow").latest_run
    until(lambda: run.finished)
    assert (run.state, run.reason) == ("cancelled", "stopped by SIGINT")
