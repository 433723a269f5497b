"""`kill -9` and signals at random moments of a run that uses many features at once.

Whatever was struck, the run can be resumed to the same results, nothing that ran is left, `doctor
--deep` is content, and `gc` deletes all of it.
"""

import os
import random
import signal
import time
from typing import Any

import pytest
from support.processes import marked
from support.runs import Place, no_traceback_of_ours

SOURCE = """
import os, time
from falaj import *
from falaj.cards import Markdown

def hook(run):
    open("hooked", "a").write("%s %s\\n" % (run.id, run.successful))
    time.sleep(float(os.environ.get("SLOW_HOOK", "0")))

@user_step_decorator
def noted(step_name, flow, inputs=None, attributes=None):
    flow.noted = step_name
    yield

@project(name="together")
@exit_hook(on_success=[hook], on_error=[hook])
class F(FlowSpec):
    settings = Config("settings", default_value='{"size": 2}')

    @card(type="blank")
    @step
    def start(self):
        current.card.append(Markdown("# started"))
        self.items = ["a", "b", "c"]
        self.round = 0
        self.next(self.around)

    @step
    def around(self):
        self.round += 1
        current.log_metric("round", self.round, step=self.round)
        self.again = self.round < 3
        self.next({True: self.around, False: self.fan}, condition="again")

    @step
    def fan(self):
        self.next(self.each, foreach="items")

    @retry(times=1, minutes_between_retries=0)
    @timeout(seconds=50)
    @card(type="blank")
    @noted
    @step
    def each(self):
        current.log_params({"letter": self.input * 3000})
        for number in range(20):
            current.card.append(Markdown(self.input * 100))
            current.card.refresh(force=True)
            current.log_metric("number", number)
        self.got = self.input * 3
        self.next(self.member, num_parallel=self.settings.size)

    @card
    @parallel
    @step
    def member(self):
        self.mine = self.got + str(current.parallel.node_index)
        self.next(self.together)

    @step
    def together(self, inputs):
        self.parts = [one.mine for one in inputs]
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [one.parts for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        print(self.all)

if __name__ == "__main__":
    F()
"""
ALL = [[letter * 3 + node for node in "01"] for letter in "abc"]


def strike(place: Place, process: Any, role: str, chance: random.Random) -> bool:
    """Kill a process of a role, where there is one; say whether there was."""
    others = {pid: line for pid, line in marked(place.mark).items() if pid != process.pid}
    control = [pid for pid, line in others.items() if "falaj_control.process" in line]
    found = {
        "launcher": [process.pid],
        "control": control,
        "task": [pid for pid in others if pid not in control],
    }[role]
    try:
        os.kill(chance.choice(found), signal.SIGKILL)
    except (OSError, IndexError):
        # It has just ended.
        return False
    return True


def mended(place: Place) -> None:
    """Resume, or run, until it works; then look at all that is left."""
    place.no_process_left()
    runs = place.access.reader.runs()
    if not runs or runs[0].state != "succeeded":
        again = place.run("resume" if runs else "run")
        assert again.status == 0, again.said
    last = place.last_run()
    assert last.state == "succeeded"
    shown = place.tool("dump", f"F/{last.id}/end")
    assert str(ALL) in shown.said.replace('"', "'"), shown.said
    assert place.damaged_blobs() == []
    assert all(
        run.state in ("succeeded", "failed", "lost", "cancelled")
        for run in place.access.reader.runs()
    )
    doctor = place.tool("doctor", "--deep")
    assert doctor.status == 0, doctor.said
    kept = place.tool("gc", "--keep-last", "1", "--yes", FALAJ_GC_GRACE="0")
    assert kept.status == 0, kept.said
    assert str(ALL) in place.tool("dump", f"F/{last.id}/end").said.replace('"', "'")
    assert place.tool("doctor", "--deep").status == 0
    gone = place.tool("gc", "--keep-last", "0", "--yes", FALAJ_GC_GRACE="0")
    assert gone.status == 0, gone.said
    assert [str(path) for path in (place.home / "store" / "blobs").glob("*/*")] == []
    assert [str(path) for path in (place.home / "store" / "tmp").glob("*")] == []
    assert list((place.home / "logs").glob("*")) == []
    place.no_process_left()


@pytest.mark.parametrize("role", ["task", "control", "launcher"])
@pytest.mark.timeout(300)
def test_killed_at_a_random_moment(role: str, make_place) -> None:
    seed = int.from_bytes(os.urandom(4), "little")
    chance = random.Random(seed)
    try:
        for number in range(4):
            place = make_place(SOURCE, folder=f"{role} {number} ü")
            process = place.start("run", "--max-workers", "3")
            time.sleep(chance.uniform(0.2, 2.5))
            strike(place, process, role, chance)
            done = place.wait(process)
            no_traceback_of_ours(done.said)
            mended(place)
    except AssertionError as error:
        raise AssertionError(f"with the seed {seed}: {error}") from error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.timeout(300)
def test_signalled_at_a_random_moment(number: int, make_place) -> None:
    seed = int.from_bytes(os.urandom(4), "little")
    chance = random.Random(seed)
    try:
        for turn in range(3):
            place = make_place(SOURCE, folder=f"{number} {turn}")
            process = place.start("run", "--max-workers", "3")
            time.sleep(chance.uniform(0.2, 2.5))
            if process.poll() is None:
                os.kill(process.pid, number)
            done = place.wait(process)
            no_traceback_of_ours(done.said)
            mended(place)
    except AssertionError as error:
        raise AssertionError(f"with the seed {seed}: {error}") from error


@pytest.mark.parametrize("role", ["task", "control", "launcher"])
def test_killed_while_an_exit_hook_runs(role: str, make_place) -> None:
    place = make_place(SOURCE)
    process = place.start("run", "--max-workers", "3", SLOW_HOOK="600")
    place.wait_for("hooked")
    assert strike(place, process, role, random.Random(1))
    done = place.wait(process)
    no_traceback_of_ours(done.said)
    # The run had ended before, and stays what it was.
    assert place.last_run().state == "succeeded"
    mended(place)


def test_interrupted_while_an_exit_hook_runs(make_place) -> None:
    place = make_place(SOURCE)
    process = place.start("run", "--max-workers", "3", SLOW_HOOK="600")
    place.wait_for("hooked")
    os.kill(process.pid, signal.SIGINT)
    done = place.wait(process)
    assert done.status == 0, done.said
    mended(place)


@pytest.mark.parametrize("role", ["task", "control", "launcher"])
def test_a_spin_that_is_killed_leaves_nothing_running(role: str, make_place) -> None:
    held = 'if os.environ.get("HOLD"):\n            open("held", "w").write("1"); time.sleep(600)\n'
    place = make_place(SOURCE.replace("self.got =", f"{held}        self.got ="))
    assert place.run("run", "--max-workers", "3").status == 0
    process = place.start("spin", "each", HOLD="1")
    place.wait_for("held")
    assert strike(place, process, role, random.Random(1))
    done = place.wait(process)
    assert done.status != 0
    no_traceback_of_ours(done.said)
    place.no_process_left()
    assert place.run("spin", "each").status == 0
    assert place.tool("doctor", "--deep").status == 0
