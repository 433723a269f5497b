"""What a step leaves behind, or does to its own process: the run goes on and nothing lives on."""

import time

import pytest
from support.flows import one_step
from support.runs import failed_with, no_traceback_of_ours

from falaj.home import Home
from falaj.liveness import process_started
from falaj_control.records.database import open_records
from falaj_control.records.origins import declare_lost

LEAVES = {
    "child": "subprocess.Popen(['sleep', '300'])",
    "setsid": "subprocess.Popen(['sleep', '300'], start_new_session=True)",
    "double fork": """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(300)
            os._exit(0)
        time.sleep(0.2)
    """,
    "forked and holding every file": """
        if os.fork() == 0:
            time.sleep(300)
            os._exit(0)
    """,
    "ignoring signals": """
        subprocess.Popen([sys.executable, '-c', 'import signal, time; '
            'signal.signal(15, signal.SIG_IGN); signal.signal(1, signal.SIG_IGN); '
            'time.sleep(300)'], start_new_session=True)
    """,
}


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize("left", list(LEAVES))
def test_children_of_a_step_end_with_it(left: str, isolation: str, make_place) -> None:
    place = make_place(one_step(LEAVES[left]))
    done = place.run("run", "--isolation", isolation, seconds=15)
    place.no_process_left()
    assert done.status == 0, done.said


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize("victim", ["launcher", "control", "task", "both"])
@pytest.mark.parametrize("left", ["child", "setsid"])
def test_children_end_when_a_process_is_killed(
    left: str, victim: str, isolation: str, make_place
) -> None:
    import os
    import signal

    from support.processes import marked

    place = make_place(
        one_step(LEAVES[left] + "\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(300)")
    )
    process = place.start("run", "--isolation", isolation)
    task = int(place.wait_for("pid"))
    control = [pid for pid, line in marked(place.mark).items() if "falaj_control.process" in line]
    victims = {"launcher": [process.pid], "control": control, "task": [task]}
    for pid in victims.get(victim) or [process.pid, *control]:
        os.kill(pid, signal.SIGKILL)
    place.wait(process, 15)
    if victim == "both" and left == "setsid":
        # With nobody left to watch, what left its session is ended by the next run in the home.
        while any(process_started(pid) for pid in control):
            time.sleep(0.01)
        connection = open_records(Home(str(place.home)))
        declare_lost(connection, time.time())
        connection.close()
    place.no_process_left()
    run = place.last_run()
    assert run.state in ("failed", "lost")
    assert run.reason


BEHAVES = {
    "returns from a forked child": "if os.fork() == 0:\n    return\nos.wait()",
    "goes on in a forked child": "pid = os.fork()\nif pid:\n    os.waitpid(pid, 0)",
    "exits in a forked child": "if os.fork() == 0:\n    sys.exit(3)\nos.wait()",
    "raises in a forked child": "if os.fork() == 0:\n    raise ValueError('child')\nos.wait()",
    "closes stdout": "os.close(1)\nos.close(2)",
    "closes its streams": "sys.stdout.close()\nsys.stderr.close()",
    "replaces its streams": "sys.stdout = None\nsys.stderr = open(os.devnull, 'w')",
    "changes its folder": "os.chdir('/')\nos.umask(0o777)\nself.big = 'y' * 50000",
    "changes its signals": """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)
    """,
    "takes its environment": "os.environ.clear()\nself.got = list(range(10000))",
}


@pytest.mark.parametrize("behaviour", list(BEHAVES))
def test_what_a_step_does_to_its_process_stays_there(behaviour: str, make_place) -> None:
    place = make_place(
        one_step(
            "self.mine = os.getpid()\n" + BEHAVES[behaviour].strip("\n")
            if "\n        " not in BEHAVES[behaviour]
            else BEHAVES[behaviour]
        )
    )
    done = place.run("run", seconds=20)
    assert done.status == 0, done.said
    run = place.last_run().id
    assert place.tasks(run)["end", ()].state == "succeeded"
    place.no_process_left()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("os._exit(0)", "left its process with exit status 0"),
        ("os._exit(3)", "left its process with exit status 3"),
        ("os.abort()", "was killed by SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL"),
        ("sys.exit()", "called sys.exit()"),
        ("sys.exit('enough')", "called sys.exit(enough)"),
        ("os.closerange(3, 200)", "report"),
    ],
)
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_process_that_ends_itself_fails_its_step(
    body: str, sentence: str, isolation: str, make_place
) -> None:
    place = make_place(one_step("if os.environ.get('CHAOS_END'):\n    " + body))
    done = place.run("run", "--isolation", isolation, CHAOS_END="1")
    failed_with(done, "work", sentence)
    assert place.last_run().state == "failed"
    place.no_process_left()
    again = place.run("resume")
    assert again.status == 0, again.said
    assert place.tasks(place.last_run().id)["start", ()].state == "reused"


def test_a_helper_of_the_flow_file_lives_as_long_as_the_run(make_place) -> None:
    head = "HELPER = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
    place = make_place(
        one_step(
            "time.sleep(2.5)\nos.kill(HELPER.pid, 0)\n"
            "state = open('/proc/%d/stat' % HELPER.pid).read().split()[2]\n"
            "assert state == 'S', state",
            head,
        )
    )
    done = place.run("run")
    no_traceback_of_ours(done.said)
    assert done.status == 0, done.said
