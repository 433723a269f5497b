"""A gang or a loop that loses a process in its middle ends well, and resume finishes it."""

import os
import signal

import pytest
from support.flows import CORPUS
from support.runs import Place, no_traceback_of_ours

from falaj.runtime.processes import all_processes

# Each member tells its process, and then waits to be told to go on.
GANG = CORPUS["gang"].replace(
    "        self.got =",
    '        open("pid%d.new" % me.node_index, "w").write(str(os.getpid()))\n'
    '        os.rename("pid%d.new" % me.node_index, "pid%d" % me.node_index)\n'
    "        while not os.environ.get('CHAOS_GO'):\n"
    "            time.sleep(0.01)\n"
    "        self.got =",
)
LOOP = CORPUS["loop"].replace(
    "        self.count += 1\n",
    "        self.count += 1\n"
    "        if self.count == 3:\n"
    '            open("pid.new", "w").write(str(os.getpid()))\n'
    '            os.rename("pid.new", "pid0")\n'
    "            while not os.environ.get('CHAOS_GO'):\n"
    "                time.sleep(0.01)\n",
)


def pids_of(place: Place, names: int) -> list[int]:
    for number in range(names):
        place.wait_for(f"pid{number}")
    return [int((place.folder / f"pid{number}").read_text()) for number in range(names)]


def is_finished_by_resume(place: Place, reused: set[str]) -> None:
    place.no_process_left()
    again = place.run("resume", CHAOS_GO="1")
    assert again.status == 0, again.said
    resumed = place.last_run()
    assert resumed.state == "succeeded"
    found = place.tasks(resumed.id)
    assert {
        "".join((step, *map(str, where)))
        for (step, where), task in found.items()
        if task.state == "reused"
    } == reused
    place.no_process_left()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_one_member_is_killed(number: int, make_place) -> None:
    place = make_place(GANG)
    process = place.start("run")
    os.kill(pids_of(place, 3)[number], signal.SIGKILL)
    done = place.wait(process, 30)
    assert done.status == 1
    no_traceback_of_ours(done.said)
    tasks = place.tasks(place.last_run().id)
    assert tasks["member", (number,)].state == "failed"
    for other in {0, 1, 2} - {number}:
        member = tasks["member", (other,)]
        assert member.state == "cancelled"
        assert f"step member[{number}] failed" in member.reason
    is_finished_by_resume(place, {"start"})


@pytest.mark.parametrize(("source", "members"), [(GANG, 3), (LOOP, 1)], ids=["gang", "loop"])
def test_control_is_killed_in_the_middle(source: str, members: int, make_place) -> None:
    place = make_place(source)
    process = place.start("run")
    pids = pids_of(place, members)
    launcher = all_processes()[pids[0]].parent
    (control,) = [
        one.pid
        for one in all_processes().values()
        if one.parent == launcher and one.pid not in pids and not one.zombie
    ]
    os.kill(control, signal.SIGKILL)
    place.wait(process, 30)
    assert place.last_run().state == "lost"
    reused = {"start", "around", "around1"} if source == LOOP else {"start"}
    is_finished_by_resume(place, reused)
