"""What a task has used of the machine, with all that it started, however it ended."""

import os

import pytest

MIB = 1 << 20
HEAD = """
import os, time

def busy(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass

def held(mebibytes):
    # Made and touched without a copy beside it.
    made = bytearray(mebibytes << 20)
    made[::4096] = b"h" * (mebibytes << 8)
    return made

class F(FlowSpec):
    @step
    def start(self):
"""
TAIL = """
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.fixture
def profiled(project):
    """Return a function that runs a body in a step and returns the step's profile."""

    def run(body, *arguments, code=0):
        lines = "\n".join(" " * 8 + line for line in body.strip("\n").split("\n"))
        result = project.run(HEAD + lines + TAIL, *arguments, code=code)
        return result.run["start"].task.profile

    return run


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_time_and_disk_of_a_step(profiled, isolation):
    profile = profiled(
        """
busy(0.5)
with open("out", "wb") as file:
    file.write(b"x" * (8 << 20))
    file.flush()
    os.fsync(file.fileno())
""",
        "--isolation",
        isolation,
    )
    assert profile.wall >= 0.5
    assert profile.cpu >= 0.5
    assert profile.written_bytes >= 8 * MIB
    assert len(profile.series) >= 2
    times = [sample.time for sample in profile.series]
    assert times == sorted(times)
    assert max(sample.cpu for sample in profile.series) > 0
    assert max(sample.memory for sample in profile.series) <= profile.peak_memory


def test_a_short_task_is_not_sampled_and_still_has_a_profile(profiled):
    profile = profiled("pass")
    assert profile.series == []
    assert profile.peak_memory > MIB
    assert profile.wall > 0


def test_the_memory_of_children_counts_and_what_they_share_counts_once(profiled):
    profile = profiled(
        """
kept = held(160)
ready, tell = os.pipe()
over, end = os.pipe()
for number in range(3):
    if os.fork() == 0:
        mine = held(60)
        os.write(tell, b"x")
        os.close(end)
        os.read(over, 1)
        os._exit(0)
for number in range(3):
    os.read(ready, 1)
busy(3)
os.close(end)
"""
    )
    # 160 MiB that all four share, 60 MiB of each child's own, and an interpreter.
    assert 340 * MIB <= profile.peak_memory <= 440 * MIB
    assert profile.series


def test_a_task_that_is_killed_keeps_what_was_seen_of_it(profiled):
    profile = profiled(
        """
kept = held(150)
busy(0.6)
os.kill(os.getpid(), 9)
""",
        code=1,
    )
    assert profile.peak_memory >= 150 * MIB
    assert profile.cpu >= 0.6
    assert profile.wall >= 0.6
    assert profile.series


def test_a_killed_task_that_was_too_short_to_be_sampled_tells_its_peak(profiled):
    profile = profiled(
        """
kept = held(90)
os.kill(os.getpid(), 9)
""",
        code=1,
    )
    assert profile.peak_memory >= 90 * MIB


def test_each_attempt_has_its_own_and_a_reused_task_that_of_who_ran(project, tmp_path):
    project.fail(
        """
import os

class F(FlowSpec):
    @retry(times=1, minutes_between_retries=0)
    @step
    def start(self):
        if current.retry_count == 0:
            self.x = bytearray(b"x" * (64 << 20))
            raise ValueError("again")
        self.next(self.end)

    @step
    def end(self):
        if not os.path.exists("go"):
            raise ValueError("not yet")
"""
    )
    from falaj import Run, Task

    task = Run("F/1")["start"].task
    first = Task(task.pathspec, attempt=0).profile
    assert first.peak_memory > task.profile.peak_memory + 40 * MIB
    (tmp_path / "go").touch()
    again = project.resume().run["start"].task
    assert again.state == "reused"
    assert vars(again.profile) == vars(task.profile)


def test_show_tells_what_a_task_used(project):
    project.run(HEAD + "        busy(0.3)" + TAIL)
    shown = project.command("show", "1/start/1").out
    used = next(line for line in shown.splitlines() if line.strip().startswith("used"))
    assert "s of CPU" in used
    assert "at most" in used
    assert os.path.exists(project.home)
