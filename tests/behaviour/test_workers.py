"""Commands that have another process run the user's code: a person who has had enough ends both."""

import os
import signal
import subprocess
import sys

import pytest

FLOW = """
import os, sys, time

def hold():
    with open("holding", "w") as file:
        print(os.getpid(), file=file)
    os.rename("holding", "held")
    while True:
        time.sleep(0.01)

class Value:
    def __reduce__(self):
        return (hold, ())

if "falaj.runtime.packing" in sys.modules and os.path.exists("hold"):
    hold()

class F(FlowSpec):
    @step
    def start(self):
        self.value = Value()
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.mark.parametrize(
    "command",
    [
        ["flow.py", "dump", "1/start", "--file", "values"],
        ["flow.py", "package", "list"],
        ["-m", "falaj_control.cli.main", "dump", "1/start", "--file", "values"],
    ],
)
def test_ctrl_c_ends_the_command_and_what_works_for_it(project, until, is_alive, command):
    project.run(FLOW)
    if "package" in command:
        (project.folder / "hold").touch()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=project.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )
    held = project.folder / "held"
    until(held.exists)
    worker = int(held.read_text())
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted." in said
    assert "Traceback" not in said
    assert not is_alive(worker)
    assert not (project.folder / "values").exists()
