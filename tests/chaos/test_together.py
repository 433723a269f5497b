"""Several processes at one home: many runs, two resumes, and a run that was declared lost."""

import time

from support.flows import CORPUS, one_step
from support.runs import failed_with, no_traceback_of_ours

PROCESSES = 16
EACH = 3


def test_many_runs_at_once_in_a_fresh_home(make_place) -> None:
    place = make_place(CORPUS["branch"])
    shell = 'for n in 1 2 3; do "$0" "$@" || exit 1; done'
    import sys

    program = ["bash", "-c", shell, sys.executable, str(place.flow)]
    started = [place.start("run", options={"program": program}) for _ in range(PROCESSES)]
    while any(process.poll() is None for process in started):
        # Somebody reads all the while.
        place.access.reader.runs()
        time.sleep(0.05)
    for process in started:
        done = place.wait(process)
        assert "locked" not in done.said, done.said
        assert done.status == 0, done.said
    runs = place.access.reader.runs()
    assert len(runs) == PROCESSES * EACH
    assert {run.state for run in runs} == {"succeeded"}
    assert place.damaged_blobs() == []
    assert all(len(place.tasks(run.id)) == 5 for run in runs[:3])


def test_two_resumes_of_one_run(make_place) -> None:
    place = make_place(
        one_step("if 'CHAOS_FAIL' in os.environ:\n    raise ValueError('no')\ntime.sleep(0.3)")
    )
    assert place.run("run", CHAOS_FAIL="1").status == 1
    started = [place.start("resume", "--origin-run-id", "1") for _ in range(2)]
    for process in started:
        done = place.wait(process)
        assert done.status == 0, done.said
    for run in (2, 3):
        record = place.access.reader.run(run)
        assert (record.state, record.origin) == ("succeeded", 1)
        found = place.tasks(run)
        assert found["start", ()].state == "reused"
        assert {task.state for task in found.values()} == {"reused", "succeeded"}


def test_a_run_that_goes_on_cannot_be_resumed(make_place) -> None:
    place = make_place(one_step("open('pid', 'w').write('1')\ntime.sleep(3)"))
    process = place.start("run")
    place.wait_for("pid")
    done = place.run("resume")
    failed_with(done, "still running")
    assert place.wait(process).status == 0
    assert [run.id for run in place.access.reader.runs()] == [1]


def test_a_run_that_was_declared_lost_commits_nothing_more(make_place) -> None:
    place = make_place(
        one_step("""
        open('pid', 'w').write('1')
        while not os.path.exists('go'):
            time.sleep(0.01)
        self.late = 1
    """)
    )
    process = place.start("run")
    place.wait_for("pid")
    time.sleep(0.3)
    with place.database() as database:
        database.execute(
            "UPDATE runs SET fence = fence + 1, state = 'lost', reason = 'tested', finished_at = 1"
        )
    before = everything(place)
    (place.folder / "go").write_text("1")
    done = place.wait(process, 15)
    failed_with(done, "ended by another process")
    place.no_process_left()
    assert everything(place) == before


def test_a_fence_alone_stops_a_run_at_its_next_sign_of_life(make_place) -> None:
    place = make_place(one_step("open('pid', 'w').write('1')\ntime.sleep(300)"))
    process = place.start("run", FALAJ_LEASE_INTERVAL="0.5")
    place.wait_for("pid")
    with place.database() as database:
        database.execute("UPDATE runs SET fence = fence + 1")
    done = place.wait(process, 15)
    no_traceback_of_ours(done.said)
    assert done.status == 1
    place.no_process_left()
    assert place.last_run().state == "lost"


def everything(place) -> list[object]:
    """Return all rows that a run may write."""
    with place.database() as database:
        tables = ("runs", "steps", "tasks", "attempts", "events")
        return [
            database.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables
        ]
