"""When tasks are looked at, and what is made of it."""

import os
import sys
import types
from itertools import pairwise

import pytest

from falaj_control.executors import gpus, processtable
from falaj_control.executors.processtable import Process, Use
from falaj_control.executors.profiling import MOST_POINTS, Profiler, Watched


class Machine:
    """A clock that stands still, and processes that use what a test says."""

    def __init__(self):
        self.now = 0.0
        self.cost = 0.0
        self.uses = {}
        self.looks = []

    def clock(self):
        return self.now

    def look(self, pids):
        self.looks.append((round(self.now, 3), sorted(pids)))
        self.now += self.cost
        return {pid: self.uses[pid] for pid in pids if pid in self.uses}

    def profiler(self, gpu=None):
        return Profiler(self.clock, self.look, lambda: gpu, self.clock)

    def pass_time(self, profiler, until):
        while self.now < until:
            self.now += max(profiler.wait(until - self.now), 1e-6)
            profiler.run_once()


@pytest.fixture
def machine():
    return Machine()


def use(cpu=0.0, memory=0, read=0, written=0, pids=(7,)):
    return Use(cpu, memory, read, written, pids)


def test_a_task_is_looked_at_ever_less_often(machine):
    profiler = machine.profiler()
    machine.uses[7] = use()
    profiler.began(7)
    machine.pass_time(profiler, 10.0)
    assert [at for at, _ in machine.looks] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.2, 7.2, 9.2]


def test_a_short_task_costs_no_look(machine):
    profiler = machine.profiler()
    for pid in range(100):
        profiler.began(pid)
        machine.pass_time(profiler, machine.now + 0.05)
        assert profiler.ended(pid) is None
    assert machine.looks == []
    assert profiler.wait(5.0) == 5.0


def test_a_task_that_starts_beside_a_long_one_is_seen_as_early(machine):
    profiler = machine.profiler()
    machine.uses.update({7: use(), 8: use()})
    profiler.began(7)
    machine.pass_time(profiler, 3.3)
    machine.looks.clear()
    profiler.began(8)
    machine.pass_time(profiler, 3.45)
    assert machine.looks == [(3.4, [8])]


def test_tasks_share_looks_and_a_look_that_takes_long_makes_them_rarer(machine):
    profiler = machine.profiler()
    machine.cost = 0.05
    for pid in range(20):
        machine.uses[pid] = use()
        profiler.began(pid)
        machine.now += 0.01
    machine.pass_time(profiler, 20.0)
    times = [at for at, _ in machine.looks]
    assert all(later - one >= 0.999 for one, later in pairwise(times))
    assert len(times) * machine.cost <= 0.06 * 20


def test_what_was_seen_is_put_together(machine):
    profiler = machine.profiler(gpu=lambda pids: 100 * len(pids))
    profiler.began(7)
    machine.uses[7] = use(cpu=0.1, memory=500, read=3, written=4)
    machine.pass_time(profiler, 0.15)
    machine.uses[7] = use(cpu=0.2, memory=300, read=5, written=4, pids=(7, 8))
    machine.pass_time(profiler, 0.25)
    profile = profiler.ended(7)
    assert profile is not None
    series = profile.pop("series")
    assert profile == {"cpu": 0.2, "memory": 500, "read": 5, "written": 4}
    assert [row[2:] for row in series] == [[500, 100], [300, 200]]
    assert series[0][1] == pytest.approx(1.0, abs=0.01)
    assert profiler.ended(7) is None


def test_a_process_that_has_gone_is_not_looked_for_again_and_again(machine):
    profiler = machine.profiler()
    profiler.began(7)
    machine.pass_time(profiler, 1.9)
    assert len(machine.looks) == 1
    assert profiler.ended(7) is None


def test_a_series_stays_short_and_keeps_its_peaks():
    watched = Watched(0.0)
    for number in range(1, 5001):
        memory = 10**9 if number == 777 else number
        watched.add(number * 2.0, use(cpu=float(number), memory=memory), None)
    profile = watched.profile()
    assert profile is not None
    series = profile["series"]
    assert MOST_POINTS // 2 <= len(series) <= MOST_POINTS
    assert max(row[2] for row in series) == 10**9
    assert series[-1][0] == 10_000.0
    gaps = {round(later[0] - one[0]) for one, later in pairwise(series[:-1])}
    assert gaps == {64}
    assert {row[1] for row in series} == {0.5}


def test_every_process_below_a_task_is_its_own_also_one_that_left_its_session():
    table = {
        pid: Process(pid, parent, session, 1.0, 10)
        for pid, parent, session in (
            (1, 0, 1),
            (10, 1, 10),
            (20, 10, 20),
            (21, 20, 20),
            (22, 21, 22),
            (30, 10, 30),
            (31, 1, 30),
            (40, 41, 40),
            (41, 40, 41),
        )
    }
    owners = {20: 20, 30: 30}
    found = {pid: processtable._owner(process, table, owners) for pid, process in table.items()}
    assert found == {1: 0, 10: 0, 20: 20, 21: 20, 22: 20, 30: 30, 31: 30, 40: 0, 41: 0}


def test_this_very_process_is_seen():
    seen = processtable.look([os.getpid(), 2**22 + 1])
    assert set(seen) == {os.getpid()}
    mine = seen[os.getpid()]
    assert mine.cpu > 0
    assert mine.memory > 1 << 20
    assert os.getpid() in mine.pids


def test_the_memory_of_gpus_is_told_where_the_library_and_a_driver_are_there(tmp_path, monkeypatch):
    class NVMLError(Exception):
        pass

    def running(device):
        if device == 1:
            raise NVMLError
        return [
            types.SimpleNamespace(pid=7, usedGpuMemory=100),
            types.SimpleNamespace(pid=8, usedGpuMemory=None),
            types.SimpleNamespace(pid=9, usedGpuMemory=5),
        ]

    library = types.SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetComputeRunningProcesses=running,
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    held = gpus.gpu_memory(str(tmp_path))
    assert held is not None
    assert held([7, 8]) == 100
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpus.gpu_memory(str(tmp_path)) is None
    assert gpus.gpu_memory(str(tmp_path / "none")) is None
