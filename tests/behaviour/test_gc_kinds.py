"""`falaj gc` and what lies beside runs: spins, cards, logged values, hooks' logs, packages."""

import json
import os
import signal
from pathlib import Path

import pytest

from falaj import Falaj, Flow, Run, default_metadata, inspect_spin
from falaj.cards import get_cards
from falaj.home import Home, spin_home
from falaj.runtime.processes import children_of
from falaj_control.cli.main import run_tool
from falaj_control.housekeeping.spins import KEPT
from falaj_control.records.database import open_records

FLOW = """
    from pathlib import Path
    import time

    class F(FlowSpec):
        @step
        def start(self):
            self.large = b"large" * 50_000
            self.next(self.work)

        @step
        def work(self):
            if Path("hold").exists():
                print("holds")
                Path("held").touch()
                while Path("hold").exists():
                    time.sleep(0.01)
            self.size = len(self.large)
            self.own = b"own" * 50_000
            print("worked")
            self.next(self.end)

        @step
        def end(self):
            pass
"""


@pytest.fixture(autouse=True)
def no_grace(home, monkeypatch):
    monkeypatch.setenv("FALAJ_GC_GRACE", "0")
    yield home
    default_metadata()


def gc(*arguments: object) -> int:
    return run_tool(["gc", *map(str, arguments)])


def blobs(home: Path) -> set[str]:
    return {path.name for path in (home / "store" / "blobs").rglob("*") if path.is_file()}


def spins() -> list[str]:
    inspect_spin()
    found = sorted(run.id for flow in Falaj() for run in flow)
    default_metadata()
    return found


def age(home: Path, seconds: float, spin: int) -> None:
    """Let a spin have ended longer ago."""
    connection = open_records(spin_home(Home(str(home))))
    connection.execute(
        "UPDATE runs SET finished_at = finished_at - ? WHERE id = ?", (seconds, spin)
    )
    connection.close()


def test_spins_go_a_week_after_their_end_with_logs_and_artifacts(project, capfd):
    project.run(FLOW)
    for _ in range(2):
        project.command("spin", "work", "--persist")
    age(project.home, KEPT + 60, spin=1)
    age(project.home, KEPT - 60, spin=2)
    before = blobs(project.home)
    assert gc("--dry-run", "--json") == 0
    would = json.loads(capfd.readouterr().out)
    assert (would["spins"], spins(), blobs(project.home)) == (1, ["1", "2"], before)
    assert gc() == 0
    assert "0 runs, 1 spin deleted" in capfd.readouterr().err
    assert spins() == ["2"]
    assert os.listdir(project.home / "spin" / "logs") == ["2"]
    age(project.home, KEPT, spin=2)
    assert gc("--keep-last", 0, "--yes") == 0
    assert spins() == []
    assert blobs(project.home) == set()


def test_a_spin_outlives_the_run_that_it_is_about(project):
    project.run(FLOW)
    project.command("spin", "work", "--persist")
    assert gc("--keep-last", 0, "--yes") == 0
    inspect_spin()
    (task,) = Flow("F").latest_run["work"]
    assert (task["size"].data, task["large"].data[:5], task.stdout) == (
        250_000,
        b"large",
        "worked\n",
    )


@pytest.mark.parametrize("persist", ["--persist", "--no-persist"])
def test_the_run_of_a_spin_under_way_may_go(project, until, persist):
    project.run(FLOW)
    (project.folder / "hold").touch()
    process = project.start("spin", "work", persist)
    until((project.folder / "held").exists)
    for _ in range(3):
        assert gc("--keep-last", 0, "--yes") == 0
    assert list(Falaj()) == []
    (project.folder / "hold").unlink()
    assert process.wait(60) == 0, process.communicate()[0]
    inspect_spin()
    assert Flow("F").latest_run.successful


def test_doctor_looks_at_what_spins_refer_to(project, capfd):
    project.run(FLOW)
    project.command("spin", "work", "--persist")
    assert run_tool(["doctor", "--deep"]) == 0
    assert gc("--keep-last", 0, "--yes") == 0
    assert run_tool(["doctor", "--deep"]) == 0
    large = max(
        (project.home / "store" / "blobs").glob("*/*"), key=lambda path: path.stat().st_size
    )
    large.unlink()
    capfd.readouterr()
    assert run_tool(["doctor", "--deep"]) == 1
    assert "which is not there" in capfd.readouterr().out


def is_control(pid: int) -> bool:
    return b"falaj_control" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_spin_whose_control_was_killed_is_lost_and_goes_in_time(project, until):
    project.run(FLOW)
    (project.folder / "hold").touch()
    process = project.start("spin", "work")
    until((project.folder / "held").exists)
    (control,) = (pid for pid in children_of(process.pid) if is_control(pid))
    os.kill(control, signal.SIGKILL)
    assert process.wait(60) == 1
    assert gc() == 0
    inspect_spin()
    assert Flow("F").latest_run.finished_at is not None
    age(project.home, KEPT + 60, spin=1)
    assert gc() == 0
    assert spins() == []
    assert not list((project.home / "spin").glob("logs/*"))


CARDS = """
    def after(run):
        print("the hook saw", run.id)

    @exit_hook(on_success=[after])
    class F(FlowSpec):
        salt = Parameter("salt", default="none")

        @card(type="blank")
        @step
        def start(self):
            from falaj.cards import Markdown

            current.card.append(Markdown("# " + self.salt * 5000))
            current.log_param("wide", self.salt * 50_000)
            current.log_metric("loss", 0.5)
            self.next(self.end)

        @step
        def end(self):
            pass
"""


def test_cards_logged_values_and_hooks_logs_stay_and_go_with_their_run(project):
    project.write(CARDS)
    for salt in "ab":
        project.command("run", "--salt", salt)
    assert gc() == 0
    for number, salt in ((1, "a"), (2, "b")):
        run = Run(f"F/{number}")
        assert salt * 5000 in get_page(run)
        assert run.logged_params["wide"] == salt * 50_000
        log = project.home / "logs" / str(number) / "exit_hooks.log"
        assert f"the hook saw {number}" in log.read_text()
    kept = get_page(Run("F/2"))
    assert gc("--keep-last", 1, "--yes") == 0
    assert os.listdir(project.home / "logs") == ["2"]
    assert get_page(Run("F/2")) == kept
    assert gc("--keep-last", 0, "--yes") == 0
    assert blobs(project.home) == set()
    assert os.listdir(project.home / "logs") == []


def get_page(run: Run) -> str:
    (card,) = get_cards(run["start"].task)
    return card.get()
