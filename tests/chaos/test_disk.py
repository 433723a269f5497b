"""Disks that are full or can't be written: a sentence, and nothing committed is lost."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.flows import one_step
from support.runs import failed_with, no_traceback_of_ours

Mount = Callable[[Path, str], None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Return a function that mounts a small disk on a folder; skips where that is not allowed."""
    mounted: list[Path] = []

    def make(folder: Path, options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True
        )
        if done.returncode:
            pytest.skip(f"mounting is not allowed here: {done.stderr.decode().strip()}")
        if folder not in mounted:
            mounted.append(folder)

    if shutil.which("mount") is None:
        pytest.skip("there is no mount command here")
    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True)


FILLS = """
with open(os.environ["CHAOS_DISK"] + "/filler", "wb", 0) as file:
    try:
        while True:
            file.write(b"f" * 4096)
    except OSError:
        pass
"""


def test_an_artifact_larger_than_the_disk(make_place, mount) -> None:
    place = make_place(one_step("self.big = b'b' * int(os.environ.get('CHAOS_SIZE', 100))"))
    mount(place.home, "size=2m")
    done = place.run("run", CHAOS_SIZE=str(4 << 20))
    failed_with(done, "no space left", str(place.home), "work")
    run = place.last_run()
    assert run.state == "failed"
    assert place.tasks(run.id)["start", ()].state == "succeeded"
    assert list((place.home / "store" / "tmp").iterdir()) == []
    assert place.damaged_blobs() == []
    again = place.run("resume")
    assert again.status == 0, again.said
    assert place.tasks(place.last_run().id)["start", ()].state == "reused"


def test_a_disk_with_no_room_at_all(make_place, mount) -> None:
    place = make_place(one_step(FILLS))
    disk = place.home
    mount(disk, "size=2m")
    done = place.run("run", CHAOS_DISK=str(disk))
    failed_with(done, "no space left", str(place.home))
    place.no_process_left()
    (disk / "filler").unlink()
    assert place.last_run().state in ("failed", "lost")
    assert place.damaged_blobs() == []
    again = place.run("resume", CHAOS_DISK="/nowhere", options={})
    assert again.status == 1  # the body itself opens /nowhere; start was kept all the same
    assert place.tasks(place.last_run().id)["start", ()].state == "reused"


def test_no_room_for_the_records_alone(make_place, mount) -> None:
    place = make_place(
        one_step(
            "if 'CHAOS_DISK' in os.environ:\n    "
            + FILLS.strip().replace("\n", "\n    ")
            + "\n    print('filled')"
        )
    )
    mount(place.home, "size=2m")
    for part in ("store", "logs"):
        (place.folder / part).mkdir()
        (place.home / part).symlink_to(place.folder / part)
    done = place.run("run", CHAOS_DISK=str(place.home))
    failed_with(done, "no space left", str(place.home))
    place.no_process_left()
    (place.home / "filler").unlink()
    run = place.last_run()
    assert run.state in ("failed", "lost")
    assert run.reason
    committed = [k for k, task in place.tasks(run.id).items() if task.state == "succeeded"]
    again = place.run("resume")
    assert again.status == 0, again.said
    found = place.tasks(place.last_run().id)
    assert [key for key, task in found.items() if task.state == "reused"] == committed


def test_no_room_for_the_records_at_the_start(make_place, mount) -> None:
    place = make_place(one_step("pass"))
    mount(place.home, "size=64k")
    (place.home / "filler").write_bytes(b"f" * 60000)
    done = place.run("run")
    failed_with(done, "no space left", str(place.home))


def test_no_room_for_the_logs(make_place, mount) -> None:
    place = make_place(one_step("for n in range(20000):\n    print('line', n)\nself.done = 1"))
    place.home.mkdir()
    mount(place.folder / "small", "size=64k")
    (place.home / "logs").symlink_to(place.folder / "small")
    done = place.run("run")
    assert done.status == 0, done.err
    assert "The log of task 2 is incomplete: No space left on device." in done.said
    assert place.last_run().state == "succeeded"
    assert "line 19999" in done.out


def test_a_home_that_became_read_only(make_place, mount) -> None:
    place = make_place(one_step("self.x = 5"))
    mount(place.home, "size=8m")
    assert place.run("run").status == 0
    mount(place.home, "remount,ro")
    for done in (place.run("run"), place.run("resume")):
        failed_with(done, str(place.home), "can't be written", "FALAJ_HOME")
        assert "Traceback" not in done.said
    assert place.tool("runs").status == 0
    run = place.last_run()
    assert run.state == "succeeded"
    assert place.tasks(run.id)["work", ()].state == "succeeded"


def test_a_home_that_becomes_read_only_while_it_runs(make_place, mount) -> None:
    place = make_place(
        one_step("""
        open('pid', 'w').write('1')
        while not os.path.exists('go'):
            time.sleep(0.01)
        self.x = 5
    """)
    )
    mount(place.home, "size=8m")
    (place.home / "store").mkdir()
    mount(place.home / "store", "size=8m")
    process = place.start("run")
    place.wait_for("pid")
    mount(place.home / "store", "remount,ro")
    (place.folder / "go").write_text("1")
    done = place.wait(process)
    failed_with(done, str(place.home / "store"), "can't be written")
    mount(place.home / "store", "remount,rw")
    assert place.last_run().state == "failed"
    assert place.run("resume").status == 0


def test_a_new_home_that_cannot_be_made(make_place, mount) -> None:
    place = make_place(one_step("pass"))
    mount(place.folder / "disk", "size=1m")
    mount(place.folder / "disk", "remount,ro")
    failed_with(place.run("run", FALAJ_HOME=str(place.folder / "disk" / "h")), "can't be written")


def test_a_home_that_is_a_file(make_place) -> None:
    place = make_place(one_step("pass"))
    place.home.write_text("not a folder")
    done = place.run("run")
    failed_with(done, str(place.home))
    no_traceback_of_ours(place.tool("runs").said)


@pytest.mark.parametrize("call", ["write", "rename"])
def test_no_room_by_injection(call: str, make_place) -> None:
    # Where mounting is not allowed this one still holds: the system says that the disk is full.
    head = """
        def full(*_, **__):
            raise OSError(28, "No space left on device")
    """
    place = make_place(
        one_step(f"if 'CHAOS_FULL' in os.environ:\n    os.{call} = full\nself.x = 1", head)
    )
    done = place.run("run", CHAOS_FULL="1")
    if call == "rename":
        failed_with(done, "no space left", "work")
    else:
        failed_with(done, "work")
    assert place.run("resume").status == 0
