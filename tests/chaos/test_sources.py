"""Files edited and clocks moved while a run goes on: it goes on as it began."""

import time

import pytest
from support.flows import one_step
from support.runs import failed_with, no_traceback_of_ours

from falaj.client.reader import Reader

WAITS = """
open('pid', 'w').write('1')
while not os.path.exists('go'):
    time.sleep(0.01)
"""
FLOW = (
    one_step(WAITS)
    .replace("self.last = self.first + 1", "self.last = mark()")
    .replace("class Flow", "def mark():\n    return 'as it was'\n\nclass Flow")
)
EDITS = {
    "edited": lambda text: "# one line more\n" + text.replace("as it was", "changed"),
    "broken": lambda text: "def (:\n" + text,
    "emptied": lambda text: "",
    "gone": None,
}


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize("edit", list(EDITS))
def test_the_flow_file_is_edited(edit: str, isolation: str, make_place) -> None:
    place = make_place(FLOW)
    process = place.start("run", "--isolation", isolation)
    place.wait_for("pid")
    change = EDITS[edit]
    if change is None:
        place.flow.unlink()
    else:
        place.flow.write_text(change(FLOW))
    (place.folder / "go").write_text("1")
    done = place.wait(process)
    assert done.status == 0, done.said
    value = read_last(place)
    assert value == "as it was"


def read_last(place) -> object:
    """Return the artifact `last` of the end step."""
    access = place.access
    run = place.last_run()
    manifest = access.manifest(access.reader.tasks(run.id, "end")[0].manifest)
    return access.load(manifest.entries["last"], "last", run, "Flow/1/end/3")


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_traceback_shows_the_lines_that_ran(isolation: str, make_place) -> None:
    source = one_step(WAITS + "raise ValueError('boom')  # the line that ran")
    place = make_place(source)
    process = place.start("run", "--isolation", isolation)
    place.wait_for("pid")
    place.flow.write_text("# nothing\n" * 5 + source.replace("the line that ran", "another line"))
    (place.folder / "go").write_text("1")
    done = place.wait(process)
    failed_with(done, "ValueError: boom", "raise ValueError('boom')  # the line that ran")


@pytest.mark.parametrize("edit", ["changed", "broken"])
def test_a_local_module_is_edited(edit: str, make_place) -> None:
    place = make_place(FLOW.replace("def mark():\n    return 'as it was'", "from near import mark"))
    near = place.folder / "near.py"
    near.write_text("def mark():\n    return 'as it was'\n")
    process = place.start("run")
    place.wait_for("pid")
    near.write_text("def mark():\n    return 'changed'\n" if edit == "changed" else "def (:\n")
    (place.folder / "go").write_text("1")
    done = place.wait(process)
    assert done.status == 0, done.said
    assert read_last(place) == "as it was"


def test_a_local_module_is_broken_under_spawn(make_place) -> None:
    place = make_place(FLOW.replace("def mark():\n    return 'as it was'", "from near import mark"))
    near = place.folder / "near.py"
    near.write_text("def mark():\n    return 'as it was'\n")
    process = place.start("run", "--isolation", "spawn")
    place.wait_for("pid")
    near.write_text("def (:\n")
    (place.folder / "go").write_text("1")
    done = place.wait(process)
    failed_with(done, "near.py", "SyntaxError")
    near.write_text("def mark():\n    return 'mended'\n")
    assert place.run("resume").status == 0
    assert read_last(place) == "mended"


@pytest.mark.parametrize("jump", [86400.0, -86400.0], ids=["forward", "back"])
def test_the_clock_jumps(jump: float, make_place) -> None:
    place = make_place(one_step(f"open('offset', 'w').write('{jump}')\ntime.sleep(1.2)" + WAITS))
    boot = "import chaos_clock; chaos_clock.follow()"
    process = place.start(
        "run", CHAOS_BOOT=boot, CHAOS_CLOCK=str(place.folder / "offset"), FALAJ_LEASE_INTERVAL="0.2"
    )
    place.wait_for("pid")
    run = place.last_run()
    assert abs(run.heard_at - time.time() - jump) < 30, "control's clock did not jump"
    assert run.state == "running"
    for skew in (0.0, 86400.0, -86400.0):
        reader = Reader(place.access.home, clock=lambda skew=skew: time.time() + skew)
        assert reader.run(run.id).state == "running"
    # Another run, started meanwhile, declares lost what is lost.
    other = make_place(one_step("pass"))
    assert other.run("run", FALAJ_HOME=str(place.home)).status == 0
    (place.folder / "go").write_text("1")
    done = place.wait(process)
    no_traceback_of_ours(done.said)
    assert done.status == 0, done.said
    ended = place.access.reader.run(run.id)
    assert ended.state == "succeeded"
    assert place.tool("runs").status == 0
