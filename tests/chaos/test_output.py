"""What steps print, in floods and in pieces, and a terminal that is not there."""

import os
import sys
import time

import pytest
from support.flows import one_step
from support.processes import marked
from support.runs import no_traceback_of_ours

from falaj.client.logs import read_log, text_of
from falaj.home import Home


def log_of(place, task: int = 2) -> bytes:
    """Return what the task printed, as it was kept."""
    path = Home(str(place.home)).log(place.last_run().id, task, 0)
    return text_of(read_log(path), "o")


def memory_of(pid: int) -> int:
    """Return the most memory, in MB, that a process has had."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM"))


def test_a_flood_is_cut_with_a_marker(make_place) -> None:
    place = make_place(
        one_step("""
        line = 'f' * 99 + '\\n'
        for _ in range(500):
            sys.stdout.write(line * 1000)
        sys.stdout.flush()
        open('flooded', 'w').write('1')
        while not os.path.exists('go'):
            time.sleep(0.01)
        print('the last line')
    """)
    )
    process = place.start("run", "--max-log-size", "1")
    place.wait_for("flooded", 50)
    processes = marked(place.mark).items()
    control = next(pid for pid, line in processes if "falaj_control.process" in line)
    memory = memory_of(control)
    (place.folder / "go").write_text("1")
    done = place.wait(process)
    assert done.status == 0, done.err
    assert memory < 100
    kept = log_of(place)
    assert kept.endswith(b"[log cut here: more than 1 MB]\n")
    assert kept.count(b"log cut here") == 1
    assert 0.9 < len(kept) / 2**20 < 1.1
    assert len(done.out) < 2 * 2**20


def test_a_line_of_10_mb_without_newline(make_place) -> None:
    place = make_place(one_step("sys.stdout.write('n' * 10_000_000)"))
    done = place.run("run", "--max-log-size", "20")
    assert done.status == 0, done.err
    assert log_of(place) == b"n" * 10_000_000


def test_binary_output_is_kept_byte_for_byte(make_place) -> None:
    place = make_place(one_step("os.write(1, bytes(range(256)) * 3 + b'\\n\\0\\xff\\n')"))
    done = place.run("run")
    assert done.status == 0, done.err
    assert log_of(place) == bytes(range(256)) * 3 + b"\n\0\xff\n"


def test_the_last_words_of_a_killed_task_are_kept(make_place) -> None:
    place = make_place(
        one_step("""
        for number in range(2000):
            print('word', number)
        sys.stdout.write('torn')
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    )
    assert place.run("run").status == 1
    assert log_of(place).splitlines() == [b"word %d" % n for n in range(2000)] + [b"torn"]


CLOSED = {
    "in": "<&-",
    "out": ">&-",
    "err": "2>&-",
    "out and err": ">&- 2>&-",
    "all": "<&- >&- 2>&-",
}


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize("closed", list(CLOSED))
def test_without_streams(closed: str, isolation: str, make_place) -> None:
    place = make_place(one_step("print('hello')\nsys.stderr.write('oops\\n')"))
    shell = f'exec "$0" "$@" {CLOSED[closed]}'
    program = ["bash", "-c", shell, sys.executable, str(place.flow)]
    done = place.run("run", "--isolation", isolation, options={"program": program}, seconds=15)
    no_traceback_of_ours(done.said)
    assert done.status == 0, done.said
    assert place.last_run().state == "succeeded"
    assert log_of(place) == b"hello\n"


def test_a_reader_that_leaves_does_not_end_the_run(make_place) -> None:
    place = make_place(one_step("for n in range(2000):\n    print('line', n)\ntime.sleep(0.5)"))
    shell = '"$0" "$@" | head -1; exit ${PIPESTATUS[0]}'
    program = ["bash", "-c", shell, sys.executable, str(place.flow)]
    done = place.run("run", options={"program": program})
    no_traceback_of_ours(done.said)
    assert done.out.count("\n") == 1
    assert place.last_run().state == "succeeded"
    assert log_of(place).count(b"\n") == 2000
    assert done.status in (0, 141)


def test_a_full_output_does_not_end_the_run(make_place) -> None:
    place = make_place(one_step("for n in range(2000):\n    print('line', n)"))
    shell = 'exec "$0" "$@" > /dev/full'
    program = ["bash", "-c", shell, sys.executable, str(place.flow)]
    done = place.run("run", options={"program": program})
    no_traceback_of_ours(done.said)
    assert place.last_run().state == "succeeded"
    assert log_of(place).count(b"\n") == 2000


def test_lines_are_there_within_a_second_while_the_task_runs(make_place) -> None:
    place = make_place(one_step("print('early')\nopen('pid', 'w').write('1')\ntime.sleep(5)"))
    process = place.start("run")
    place.wait_for("pid")
    limit = time.monotonic() + 1.5
    while time.monotonic() < limit and log_of(place) != b"early\n":
        time.sleep(0.05)
    assert log_of(place) == b"early\n"
    assert process.poll() is None
    os.kill(process.pid, 9)
    place.wait(process)
