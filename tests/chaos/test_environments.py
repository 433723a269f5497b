"""Building environments while processes are killed, disks fill up and others build the same."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.processes import kill_marked, marked
from support.runs import SOURCES, Place, failed_with
from wheels import make_wheel

from falaj_control.environments.cache import EnvironmentCache
from falaj_control.environments.folders import CacheFolders

NAMES = ("alpha", "beta", "gamma")
KILLS = 14
VERSION = "{}.{}".format(*sys.version_info[:2])
FLOW = """
from falaj import FlowSpec, pypi, step

class EnvFlow(FlowSpec):
    @pypi(python="{version}", packages={packages!r}, find_links=["wheels"])
    @step
    def start(self):
        import alpha
        self.version = alpha.version
        self.next(self.end)

    @step
    def end(self):
        print("alpha is", self.version)

if __name__ == "__main__":
    EnvFlow()
"""
# Installs a lock that lies beside it, as control does; the lock names its wheels by their paths.
BUILDER = """
import json, os, sys
sys.path.insert(0, {sources!r})
sys.path.extend({paths!r})
from falaj.store.blobs import BlobStore
from falaj_control.environments.cache import EnvironmentCache
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.installing import install
from falaj_control.environments.interpreters import find_interpreter
from falaj_control.environments.values import Lock, Request
from falaj_control.environments.work import Work

folders = CacheFolders(os.path.abspath("cache"))
with open("lock.json") as file:
    lock = Lock.from_data(json.load(file))
python = find_interpreter(lock.python, folders, os.environ, sys.executable)
store = BlobStore(os.path.abspath("store"))
request = Request(lock.python, base=os.getcwd())

def tell(text):
    with open("told", "a") as file:
        file.write(text + "\\n")

open("begun", "w").close()
held = install(lock, request, python, EnvironmentCache(folders), store, os.environ, Work(tell))
with open("held", "a") as file:
    file.write(held.environment.python + "\\n")
if "stay" in sys.argv:
    sys.stdin.read()
"""


class Building:
    """A place with wheels and a lock of them, and processes that install it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.folder = place.folder
        packages = []
        for name in NAMES:
            # Large enough that its installing takes a moment.
            source = "".join(f"{name}{n} = {n}\n" for n in range(20_000))
            path = make_wheel(self.folder / "wheels", name, "1.0", source=source)
            wheel = {
                "name": path.name,
                "path": f"wheels/{path.name}",
                "hashes": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
            }
            packages.append({"name": name, "version": "1.0", "wheels": [wheel]})
        lock = {"request": "r", "kind": "pypi", "python": VERSION, "platform": "local"}
        (self.folder / "lock.json").write_text(json.dumps({**lock, "packages": packages}))
        (self.folder / "build.py").write_text(
            BUILDER.format(sources=SOURCES, paths=[one for one in sys.path if one])
        )
        self.cache = EnvironmentCache(CacheFolders(str(self.folder / "cache")))

    def start(self, *arguments: str) -> Any:
        variables = {"UV_CACHE_DIR": str(self.folder / "uv")}
        program = [sys.executable, "-I", "-S", str(self.folder / "build.py")]
        options = {"program": program, "stdin": subprocess.PIPE}
        return self.place.start(*arguments, options=options, **variables)

    def finish(self) -> None:
        """Build to the end and check that all is there."""
        process = self.start()
        process.stdin.close()
        done = self.place.wait(process)
        assert done.status == 0, done.said
        self.is_whole()

    def is_whole(self) -> None:
        (kept,) = self.cache.environments()
        assert kept.is_finished
        assert self.cache.damages(kept.key) == []
        code = "import alpha, beta, gamma; print(alpha.alpha19999 + gamma.gamma19999)"
        python = Path(kept.prefix, "bin/python")
        done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True)
        assert done.stdout == "39998\n", done.stderr
        # Nothing unfinished lies about.
        assert not list(Path(kept.prefix).glob("installing-*"))
        assert {path.name for path in (self.folder / "cache").iterdir()} <= {
            "environments",
            "interpreters.json",
        }


@pytest.fixture
def building(make_place) -> Building:
    return Building(make_place())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("with_tools", [False, True], ids=["control alone", "with its tools"])
def test_kill_at_any_moment_of_a_build(with_tools: bool, building: Building) -> None:
    building.finish()
    shutil.rmtree(building.folder / "cache/environments")
    seconds = duration_of(building)
    unfinished = 0
    for number in range(KILLS):
        shutil.rmtree(building.folder / "cache/environments", ignore_errors=True)
        process = started(building)
        time.sleep(seconds * number / KILLS)
        process.kill()
        process.wait()
        process.stdin.close()
        if with_tools:
            kill_marked(building.place.mark)
        # A tool that lives on is waited for, then what it left is removed.
        unfinished += not any(one.is_finished for one in building.cache.environments())
        building.finish()
    # How many come in time depends on how busy the machine was while one build was timed.
    assert unfinished >= 3, "the kills came too late to show anything"


def started(building: Building) -> Any:
    """Start a build and return its process once it has begun."""
    (building.folder / "begun").unlink(missing_ok=True)
    process = building.start()
    limit = time.monotonic() + 20
    while not (building.folder / "begun").exists() and time.monotonic() < limit:
        time.sleep(0.001)
    return process


def duration_of(building: Building) -> float:
    """Return the seconds from the beginning of an undisturbed build to its end."""
    process = started(building)
    begun = time.monotonic()
    process.stdin.close()
    assert building.place.wait(process).status == 0
    return time.monotonic() - begun


def test_a_tool_that_outlives_its_control_is_waited_for(building: Building) -> None:
    # uv is stopped in the middle; control is killed; the next build has to wait for uv's end.
    process = started(building)
    uv = wait_for(lambda: [pid for pid, line in tools(building).items() if "install" in line])[0]
    os.kill(uv, signal.SIGSTOP)
    process.kill()
    process.wait()
    process.stdin.close()
    (building.folder / "told").write_text("")
    other = building.start()
    other.stdin.close()
    wait_for(lambda: "waiting" in (building.folder / "told").read_text())
    assert other.poll() is None
    os.kill(uv, signal.SIGCONT)
    assert building.place.wait(other).status == 0
    building.is_whole()


def tools(building: Building) -> dict[int, str]:
    """Return the living tools of a place."""
    found = marked(building.place.mark)
    return {pid: line for pid, line in found.items() if "build.py" not in line}


def wait_for(found: Callable[[], Any]) -> Any:
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        value = found()
        if value:
            return value
        time.sleep(0.001)
    raise AssertionError("it did not come to that")


def test_processes_that_build_the_same_at_once_build_it_once(building: Building) -> None:
    processes = [building.start("stay") for _ in range(4)]
    held = building.folder / "held"
    wait_for(lambda: held.exists() and len(held.read_text().splitlines()) == 4)
    (key,) = [one.key for one in building.cache.environments()]
    told = (building.folder / "told").read_text().splitlines()
    assert [line for line in told if "installing" in line] == ["installing 3 packages"]
    assert building.cache.gc(0.0) == []
    for process in processes:
        process.stdin.close()
        assert building.place.wait(process).status == 0
    building.is_whole()
    assert [one.key for one in building.cache.gc(0.0)] == [key]


@pytest.fixture
def env_place(make_place) -> Place:
    """A place with a flow whose step has an environment of wheels beside it."""
    place = make_place(FLOW.format(version=VERSION, packages={"alpha": "1.0"}))
    make_wheel(place.folder / "wheels", "alpha", "1.0", source=f"large = {'x' * 4_000_000!r}\n")
    return place


def variables(place: Place, cache: Path | None = None) -> dict[str, str]:
    return {
        "FALAJ_CACHE": str(cache or place.folder / "cache"),
        "UV_CACHE_DIR": str(place.folder / "uv"),
    }


def test_a_run_whose_environment_is_damaged_builds_it_again(env_place: Place) -> None:
    where = variables(env_place)
    assert "alpha is 1.0" in env_place.run("run", **where).out
    module = next(Path(where["FALAJ_CACHE"]).rglob("alpha.py"))
    for damage in (module.unlink, lambda: os.truncate(module, 100)):
        damage()
        again = env_place.run("run", **where)
        assert again.status == 0, again.said
        assert "alpha is 1.0" in again.out


def test_building_is_interrupted_by_ctrl_c(env_place: Place) -> None:
    where = variables(env_place)
    process = env_place.start("env", "build", **where)
    wait_for(lambda: any("uv" in line.split(" ")[0] for line in marked(env_place.mark).values()))
    os.kill(process.pid, signal.SIGINT)
    done = env_place.wait(process)
    assert done.status == 130, done.said
    env_place.no_process_left()
    cache = EnvironmentCache(CacheFolders(where["FALAJ_CACHE"]))
    assert not [one for one in cache.environments() if not one.is_finished]
    assert env_place.run("env", "build", **where).status == 0


Mount = Callable[[Path, str], None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Return a function that mounts a small disk on a folder; skips where that is not allowed."""
    mounted: list[Path] = []

    def make(folder: Path, options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
        done = subprocess.run(command, capture_output=True)
        if done.returncode:
            pytest.skip(f"mounting is not allowed here: {done.stderr.decode().strip()}")
        if folder not in mounted:
            mounted.append(folder)

    if shutil.which("mount") is None:
        pytest.skip("there is no mount command here")
    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True)


def test_a_disk_that_is_full(env_place: Place, mount: Mount) -> None:
    disk = env_place.folder / "disk"
    mount(disk, "size=2m")
    done = env_place.run("run", **variables(env_place, disk / "cache"))
    failed_with(done, "not enough space", str(disk / "cache"), "falaj env gc", "start")
    cache = EnvironmentCache(CacheFolders(str(disk / "cache")))
    assert cache.environments() == []
    mount(disk, "remount,size=64m")
    again = env_place.run("run", **variables(env_place, disk / "cache"))
    assert again.status == 0, again.said


def test_a_full_disk_of_uv(env_place: Place, mount: Mount) -> None:
    disk = env_place.folder / "disk"
    mount(disk, "size=2m")
    where = {**variables(env_place), "UV_CACHE_DIR": str(disk / "uv")}
    failed_with(env_place.run("run", **where), "space", "UV_CACHE_DIR")


def test_a_cache_that_became_read_only_still_serves(env_place: Place, mount: Mount) -> None:
    disk = env_place.folder / "disk"
    mount(disk, "size=64m")
    where = variables(env_place, disk / "cache")
    assert env_place.run("run", **where).status == 0
    mount(disk, "remount,ro")
    again = env_place.run("run", **where)
    assert again.status == 0, again.said
    # What is not there can't be built, and is told so.
    env_place.write(FLOW.format(version=VERSION, packages={}))
    failed_with(env_place.run("run", **where), str(disk / "cache"), "Read-only file system")
    done = env_place.tool("env", "list", **where)
    assert done.status == 0, done.said
    key = done.out.split("\n")[1].split()[0]
    failed_with(env_place.tool("env", "remove", key, **where), "can't be written")
