import os
import time

import pytest

from falaj import parallel_imap_unordered, parallel_map
from falaj.multicore import MulticoreException


def test_answers_come_in_the_order_of_the_values_and_closures_work():
    factor = 3
    assert parallel_map(lambda value: value * factor, range(7), max_parallel=3) == [
        0, 3, 6, 9, 12, 15, 18,
    ]  # fmt: skip
    assert parallel_map(lambda value: value, []) == []


def test_each_call_has_a_process_of_its_own():
    pids = parallel_map(lambda _: os.getpid(), range(4), max_parallel=2)
    assert len(set(pids)) == 4
    assert os.getpid() not in pids


def test_values_may_be_without_end_and_the_rest_is_not_computed(tmp_path):
    def endless():
        number = 0
        while True:
            yield number
            number += 1

    def mark(number):
        (tmp_path / str(number)).touch()
        return number

    found = parallel_imap_unordered(mark, endless(), max_parallel=2, dir=str(tmp_path))
    assert {next(found) for _ in range(3)} <= set(range(6))
    found.close()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("parallel-")]


def test_a_failing_call_is_told_with_its_traceback_and_the_others_end(tmp_path):
    def fail(number):
        if number == 1:
            raise LookupError("no such shelf")
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(60)

    with pytest.raises(MulticoreException) as failed:
        parallel_map(fail, range(2), max_parallel=2)
    first, *trace, last = str(failed.value).splitlines()
    assert first == "A call failed: LookupError: no such shelf"
    assert last == "LookupError: no such shelf"
    # The frames are the user's alone.
    places = [line for line in trace if line.startswith("  File ")]
    assert [place.rpartition(" ")[2] for place in places] == ["fail"]
    left = tmp_path / "pid"
    if left.exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int(left.read_text()), 0)


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (lambda _: os._exit(7), "ended with status 7"),
        (lambda _: os.kill(os.getpid(), 9), "signal 9"),
    ],
)
def test_a_process_that_dies_says_how(end, told):
    with pytest.raises(MulticoreException, match=told):
        parallel_map(end, [1])


def test_what_can_not_be_pickled_is_told():
    with pytest.raises(MulticoreException, match="pickle"):
        parallel_map(lambda _: lambda: 1, [1])


def test_other_children_are_left_to_those_who_wait_for_them():
    pid = os.fork()
    if pid == 0:
        os._exit(5)
    assert parallel_map(lambda value: value, [1, 2]) == [1, 2]
    assert os.waitpid(pid, 0)[1] >> 8 == 5


def test_at_least_one_process_is_asked_for():
    with pytest.raises(Exception, match="at least 1"):
        parallel_map(str, [1], max_parallel=0)
