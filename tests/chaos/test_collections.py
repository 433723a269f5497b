"""`falaj gc` is killed at any of its steps while a run and a spin are under way in the home."""

import json
import os
import random
import signal
import sys
from typing import Any

import pytest
from support.runs import Place, no_traceback_of_ours

# Equal bytes come again and again: what one collection deletes another run is just storing.
FLOW = """
from falaj import FlowSpec, Parameter, step

class F(FlowSpec):
    salt = Parameter("salt", default="a")

    @step
    def start(self):
        self.shared = self.salt.encode() * 100_000
        self.items = list(range(60))
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.mine = b"%d" % self.input * 20_000
        self.own = b"%s %d" % (self.salt.encode(), self.input) * 2_000
        print("did", self.salt, self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [one.mine[:3] + one.own for one in inputs]
        self.merge_artifacts(inputs, include=["shared"])
        self.next(self.end)

    @step
    def end(self):
        assert len(self.all) == 60 and len(self.shared) >= 100_000

if __name__ == "__main__":
    F()
"""

# A collection that kills itself in the middle of what it changes, before or after the n-th change.
KILLED = """
import os, signal, sqlite3, sys
from falaj_control.cli.main import run_tool

left, *arguments = sys.argv[1:]
left = int(left)

def counted(change):
    def changed(*arguments, **more):
        tick()
        done = change(*arguments, **more)
        tick()
        return done
    return changed

def tick():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

class Counted(sqlite3.Connection):
    def execute(self, statement, *rest):
        run = super().execute
        return (counted(run) if statement == "COMMIT" else run)(statement, *rest)

connect = sqlite3.connect
sqlite3.connect = lambda *given, **more: connect(*given, **{"factory": Counted, **more})
for name in ("rename", "unlink", "rmdir"):
    setattr(os, name, counted(getattr(os, name)))
sys.exit(run_tool(["gc", *arguments]))
"""
POLICY = ("--keep-tag", "keep", "--yes", "--keep-last")


def is_killed_collecting(place: Place, at: int, keep: str = "1") -> bool:
    """Collect, and be killed at that change; say whether there were as many."""
    program = [sys.executable, "-c", KILLED, str(at)]
    done = place.wait(start(place, *POLICY, keep, program=program))
    no_traceback_of_ours(done.said)
    assert done.status in (0, -signal.SIGKILL), done.said
    return done.status != 0


def start(place: Place, *arguments: str, program: list[str] | None = None) -> Any:
    options = None if program is None else {"program": program}
    # Long after they have stored it, the tasks of a foreach are recorded with what they left.
    variables = {"FALAJ_GC_GRACE": "0", "FALAJ_COMMIT_INTERVAL": "60"}
    cache = str(place.folder / "cache")
    return place.start(*arguments, options=options, FALAJ_CACHE=cache, **variables)


def tool(place: Place, *arguments: str) -> str:
    program = [sys.executable, "-m", "falaj_control.cli.main"]
    done = place.wait(start(place, *arguments, program=program))
    assert done.status == 0, done.said
    return done.out


def everything(place: Place, run: int) -> object:
    """Read all artifacts and logs of a run."""
    logs = place.home / "logs" / str(run)
    said = {path.name: path.read_bytes() for path in logs.iterdir()}
    return {key: task.artifacts for key, task in place.tasks(run).items()}, said


@pytest.mark.timeout(300)
def test_collections_that_are_killed_beside_a_run_and_a_spin_cost_nothing(make_place) -> None:
    place = make_place(FLOW)
    chance = random.Random(int.from_bytes(os.urandom(4), "little"))
    assert place.run("run", "--tag", "keep").status == 0
    kept = everything(place, 1)
    history: list[int] = []
    for salt in "bcbc":
        beside = [start(place, "run", "--salt", salt), start(place, "spin", "F/1/each/5")]
        while any(process.poll() is None for process in beside):
            # Some collections change little, others much.
            history.append(int(10 ** chance.uniform(0.0, 3.3)))
            is_killed_collecting(place, history[-1])
        for process in beside:
            done = place.wait(process)
            assert done.status == 0, (history, done.said)
    for run in place.access.reader.runs():
        assert run.state == "succeeded", history
        assert everything(place, run.id)
    assert everything(place, 1) == kept, history
    assert is_killed_collecting(place, chance.randrange(1, 100), keep="0")
    assert everything(place, 1) == kept, history
    tool(place, "gc", *POLICY, "0")
    found = json.loads(tool(place, "doctor", "--deep", "--json"))
    looked_at = [one for one in found if one["subject"] in ("records", "spins", "store", "runs")]
    assert {one["level"] for one in looked_at} == {"ok"}, (history, looked_at)
    assert everything(place, 1) == kept, history
    left = json.loads(tool(place, "gc", "--json"))
    assert (left["runs"], left["blobs"]) == ([], 0), history
    assert list((place.home / "store" / "trash").iterdir()) == []
