"""Stopping a run: everything is stopped at once, and what was finished is kept."""

import os
import signal
import time

import pytest
from support.flows import one_step
from support.processes import marked
from support.runs import interrupt, no_traceback_of_ours

# Ctrl-C promises two seconds; a busy machine needs some more to start and end processes.
SLACK = 2.0
WAITS = "open('pid', 'w').write(str(os.getpid()))\nif not os.environ.get('CHAOS_GO'):\n    {}"
SLEEPS = WAITS.format("time.sleep(300)")
IGNORES = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAITS.format(
    "\n    ".join(
        (
            "while True:",
            "    try:",
            "        time.sleep(300)",
            "    except BaseException:",
            "        pass",
        )
    )
)


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize("body", [SLEEPS, IGNORES], ids=["polite", "ignores"])
def test_interrupted_once(body: str, isolation: str, make_place) -> None:
    place = make_place(one_step(body))
    process = place.start("run", "--isolation", isolation)
    place.wait_for("pid")
    began = interrupt(process)
    done = place.wait(process, 10)
    assert time.monotonic() - began < 2.0 + SLACK
    cancelled_and_resumes(place, done, 130)


def test_interrupted_twice(make_place) -> None:
    place = make_place(one_step(IGNORES))
    process = place.start("run", FALAJ_STOP_GRACE="30")
    place.wait_for("pid")
    interrupt(process)
    time.sleep(0.3)
    assert process.poll() is None
    began = interrupt(process)
    done = place.wait(process, 10)
    assert time.monotonic() - began < 2.0 + SLACK
    cancelled_and_resumes(place, done, 130)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_asked_to_end(number: int, make_place) -> None:
    place = make_place(one_step(SLEEPS))
    process = place.start("run")
    place.wait_for("pid")
    began = interrupt(process, number)
    done = place.wait(process, 10)
    assert time.monotonic() - began < 2.0 + SLACK
    assert signal.Signals(number).name in place.last_run().reason
    cancelled_and_resumes(place, done, None)


def test_a_stopped_task_is_ended_too(make_place) -> None:
    place = make_place(one_step(SLEEPS))
    process = place.start("run")
    os.kill(int(place.wait_for("pid")), signal.SIGSTOP)
    began = interrupt(process)
    done = place.wait(process, 10)
    assert time.monotonic() - began < 2.0 + SLACK
    cancelled_and_resumes(place, done, 130)


def test_ctrl_c_reaches_the_whole_terminal_group(make_place) -> None:
    place = make_place(one_step(SLEEPS))
    process = place.start("run")
    place.wait_for("pid")
    os.killpg(process.pid, signal.SIGINT)
    cancelled_and_resumes(place, place.wait(process, 10), 130)


def test_interrupted_while_nobody_reads_the_output(make_place) -> None:
    place = make_place(
        one_step("""
        open('pid', 'w').write('1')
        if not os.environ.get('CHAOS_GO'):
            for _ in range(100000):
                print('z' * 100)
            time.sleep(300)
    """)
    )
    reader, writer = os.pipe()
    try:
        process = place.start("run", options={"stdout": writer})
        place.wait_for("pid")
        time.sleep(1.0)
        began = interrupt(process)
        done = place.wait(process, 10)
        assert time.monotonic() - began < 2.0 + SLACK
    finally:
        os.close(reader)
        os.close(writer)
    cancelled_and_resumes(place, done, 130)


def test_interrupted_while_the_flow_is_imported(make_place) -> None:
    place = make_place(one_step("pass", head="open('importing', 'w').write('1')\ntime.sleep(30)\n"))
    process = place.start("run")
    place.wait_for("importing")
    interrupt(process)
    done = place.wait(process, 5)
    assert done.status in (130, -signal.SIGINT), done
    place.no_process_left()


def test_control_stopped_and_continued_loses_nothing(make_place) -> None:
    place = make_place(one_step("open('pid', 'w').write('1')\ntime.sleep(1)"))
    process = place.start("run")
    place.wait_for("pid")
    processes = marked(place.mark).items()
    control = next(pid for pid, line in processes if "falaj_control.process" in line)
    os.kill(control, signal.SIGSTOP)
    time.sleep(2)
    assert place.last_run().state == "running"
    os.kill(control, signal.SIGCONT)
    assert place.wait(process, 10).status == 0
    assert place.last_run().state == "succeeded"


def cancelled_and_resumes(place, done, status: int | None) -> None:
    """Check how a stopped run ended, and that it can be resumed."""
    assert done.status == status if status is not None else done.status not in (0, None)
    no_traceback_of_ours(done.said)
    place.no_process_left(2.0 + SLACK)
    run = place.last_run()
    assert run.state == "cancelled", run
    tasks = place.tasks(run.id)
    assert tasks["start", ()].state == "succeeded"
    assert tasks["work", ()].state == "cancelled"
    again = place.run("resume", CHAOS_GO="1")
    assert again.status == 0, again.said
    assert place.tasks(place.last_run().id)["start", ()].state == "reused"
