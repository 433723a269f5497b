"""The cache of environments: built once, whole or absent, checked, removed only when unused."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from falaj_control.environments.cache import EnvironmentCache, environment_key
from falaj_control.environments.filelocks import FileLock
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.values import EnvironmentFailed, FoundInterpreter, Lock
from falaj_control.environments.work import Cancelled, Work

KEY = "0123456789abcdef0123"
OTHER = "f" * 20
LIMIT = 20.0
DESCRIPTION = {"python": {"version": "3.11.7"}, "packages": []}
PACKAGES = Path("lib/python3.11/site-packages")
LONG = b"x = 1\n" * 40_000


class Builder:
    """Stands for an installer: a few files as a package has them, and a count of its calls."""

    def __init__(self, base: Path) -> None:
        self.interpreter = base / "python3.11"
        if not self.interpreter.exists():
            self.interpreter.write_text("an interpreter")
        self.calls = 0

    def __call__(self, prefix: str, lock_file: int) -> dict:
        self.calls += 1
        os.fstat(lock_file)
        folder = Path(prefix)
        assert os.listdir(folder) == []
        (folder / "bin").mkdir()
        (folder / "bin/python").symlink_to(self.interpreter)
        for name in ("pack/__init__.py", "pack/deep/module.py", "alone.py"):
            path = folder / PACKAGES / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x = 1\n")
        (folder / PACKAGES / "pack/long.bin").write_bytes(LONG)
        return DESCRIPTION


@pytest.fixture
def builder(tmp_path):
    return Builder(tmp_path)


@pytest.fixture
def cache(tmp_path):
    return EnvironmentCache(CacheFolders(str(tmp_path / "cache")))


@pytest.fixture
def built(cache, builder):
    """The packages' folder of an environment that nobody uses."""
    cache.build(KEY, builder, Work()).release()
    return Path(cache.prefix(KEY)) / PACKAGES


def test_what_was_built_is_held_and_not_built_again(cache, builder):
    assert cache.hold(KEY) is None
    with cache.build(KEY, builder, Work()) as held:
        first = held.environment
    with cache.build(KEY, builder, Work()) as held:
        assert held.environment == first
    with cache.hold(KEY) as held:
        assert held.environment == first
    assert builder.calls == 1
    assert first.key == KEY
    assert first.python == os.path.join(first.prefix, "bin", "python")
    assert first.description == DESCRIPTION


def test_asking_for_what_is_not_there_makes_no_folder(cache, tmp_path):
    assert cache.hold(KEY) is None
    assert cache.environments() == []
    assert not (tmp_path / "cache").exists()


def test_the_key_tells_apart_what_differs():
    lock = Lock("r", "pypi", "3.11", "x86_64-unknown-linux-gnu", packages=({"name": "six"},))
    python = FoundInterpreter("/usr/bin/python3.11", "3.11.7", "cpython", "path", "1")
    others = [
        (Lock("r", "pypi", "3.11", "aarch64-apple-darwin", packages=({"name": "six"},)), python),
        (Lock("r", "pypi", "3.11", lock.platform, packages=({"name": "tomli"},)), python),
        (lock, python._replace(path="/opt/python3.11")),
        (lock, python._replace(version="3.11.8")),
        (lock, python._replace(stamp="2")),
        (lock, None),
    ]
    keys = {environment_key(*one) for one in [(lock, python), *others]}
    assert len(keys) == 7
    # Who asked and how the interpreter was found play no part.
    same = Lock("other", "uv", "3.11.7", lock.platform, packages=lock.packages)
    assert environment_key(same, python._replace(source="uv")) == environment_key(lock, python)


# What happens to a package's files, and whether a glance sees it.
DAMAGES = {
    "a module is removed": lambda p: (p / "pack/deep/module.py").unlink(),
    "a folder is removed": lambda p: shutil.rmtree(p / "pack/deep"),
    "everything is removed": lambda p: [shutil.rmtree(p), p.mkdir()],
    "a module is replaced": lambda p: replace(p / "alone.py", b"y = 2\n"),
    "a large file is truncated": lambda p: os.truncate(p / "pack/long.bin", 10),
    "a package is added": lambda p: [(p / "more").mkdir(), (p / "more/__init__.py").touch()],
    "a module is added": lambda p: (p / "sitecustomize.py").touch(),
}


def replace(path, data):
    (path.parent / "new").write_bytes(data)
    os.replace(path.parent / "new", path)


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_what_is_damaged_is_built_again(damage, cache, builder, built):
    DAMAGES[damage](built)
    assert cache.damages(KEY)
    assert cache.hold(KEY) is None
    cache.build(KEY, builder, Work()).release()
    assert builder.calls == 2
    assert cache.damages(KEY) == []
    assert (built / "pack/long.bin").read_bytes() == LONG
    assert sorted(os.listdir(built)) == ["__pycache__", "alone.py", "pack"]


@pytest.mark.parametrize(
    "change",
    [
        lambda path: os.truncate(path, 0),
        lambda path: path.write_bytes(b"x = 2\n"),
        lambda path: path.unlink(),
    ],
    ids=["truncated", "rewritten", "removed"],
)
def test_a_thorough_look_names_each_changed_file(change, cache, built):
    change(built / "pack/deep/module.py")
    (found,) = cache.damages(KEY)
    assert f"{PACKAGES}/pack/deep/module.py" in found


@pytest.mark.parametrize("marker", ["", "garbage", "[]", "{}", '{"format": 1}', '{"format": 999}'])
def test_a_marker_that_is_garbage_marks_nothing(marker, cache, builder, built):
    Path(cache.prefix(KEY), "falaj.json").write_text(marker)
    assert cache.hold(KEY) is None
    (kept,) = cache.environments()
    assert not kept.is_finished
    cache.build(KEY, builder, Work()).release()
    assert builder.calls == 2


def test_a_moved_cache_is_built_again_where_it_is_now(cache, builder, built, tmp_path):
    (tmp_path / "cache").rename(tmp_path / "moved")
    moved = EnvironmentCache(CacheFolders(str(tmp_path / "moved")))
    assert moved.hold(KEY) is None
    moved.build(KEY, builder, Work()).release()
    assert builder.calls == 2


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_an_interpreter_that_is_gone_makes_it_not_whole(how, cache, builder, built):
    builder.interpreter.unlink()
    if how == "replaced":
        builder.interpreter.write_text("another interpreter, of the same name")
    assert cache.hold(KEY) is None
    assert any("interpreter" in one for one in cache.damages(KEY))


def test_compiled_modules_and_files_of_a_packages_own_are_no_damage(cache, built):
    # What Python and packages write as they are used: __pycache__, and a table beside the code.
    (built / "pack/deep/__pycache__/module.cpython-311.pyc").write_bytes(b"compiled")
    (built / "pack/parsetab.py").write_text("table = 1\n")
    for _ in range(2):
        held = cache.hold(KEY)
        assert held is not None
        held.release()
    assert cache.damages(KEY) == []


def test_after_a_restart_of_the_machine_all_files_are_looked_at(cache, built):
    marker = Path(cache.prefix(KEY), "falaj.json")
    facts = json.loads(marker.read_text())
    marker.write_text(json.dumps({**facts, "boot": "an earlier one"}))
    cache.hold(KEY).release()
    assert json.loads(marker.read_text())["boot"] == facts["boot"]
    # What a power cut does: the name is there, the bytes are not.
    os.truncate(built / "alone.py", 0)
    marker.write_text(json.dumps({**facts, "boot": "an earlier one"}))
    assert cache.hold(KEY) is None


@pytest.mark.parametrize(
    "error", [EnvironmentFailed("no such package"), KeyboardInterrupt(), Cancelled()]
)
def test_nothing_is_left_of_a_build_that_fails(error, cache):
    def fails(prefix, _):
        Path(prefix, "half").write_text("half")
        raise error

    with pytest.raises(type(error)):
        cache.build(KEY, fails, Work())
    assert not os.path.exists(cache.prefix(KEY))
    assert cache.environments() == []


@pytest.mark.parametrize(
    ("number", "words"),
    [(28, "not enough space"), (122, "not enough space"), (13, "can't be written"), (5, "can't")],
)
def test_a_disk_that_fails_is_told_with_its_place(number, words, cache, tmp_path):
    def fails(prefix, _):
        raise OSError(number, os.strerror(number), os.path.join(prefix, "file"))

    with pytest.raises(EnvironmentFailed, match=words) as caught:
        cache.build(KEY, fails, Work())
    assert str(tmp_path / "cache") in str(caught.value)
    assert not os.path.exists(cache.prefix(KEY))


def test_many_at_once_build_once(cache, tmp_path):
    builder, held = Builder(tmp_path), []

    def slowly(prefix, file):
        time.sleep(0.1)
        return builder(prefix, file)

    def build():
        held.append(cache.build(KEY, slowly, Work()))

    threads = [threading.Thread(target=build) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert len(held) == 6
    assert builder.calls == 1
    for one in held:
        one.release()


BUILDS = """
import os, sys, time
sys.path[:0] = {path!r}
from falaj_control.environments.cache import EnvironmentCache
from falaj_control.environments.filelocks import FileLock
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.work import Work

def make(prefix, lock_file):
    os.makedirs(prefix + "/bin")
    os.symlink(sys.executable, prefix + "/bin/python")
    with open("started", "a") as file:
        file.write("x")
    if "tool" in sys.argv:
        Work().run(["sleep", "3"], os.environ, ".", keep_open=[lock_file])
    while "wait" in sys.argv and not os.path.exists("go"):
        time.sleep(0.01)
    return {{}}

held = EnvironmentCache(CacheFolders(os.path.abspath("cache"))).build({key!r}, make, Work())
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path):
    """Return a function that starts a process which builds, says `held` and waits."""
    started = []

    def start(*arguments):
        source = BUILDS.format(path=[path for path in sys.path if path], key=KEY)
        process = subprocess.Popen(
            [sys.executable, "-c", source, *arguments],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        end(process)


def wait_for(condition):
    limit = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def end(process):
    if process.returncode is None:
        process.kill()
        process.communicate()


def test_a_build_waits_for_another_process_and_says_so(cache, builder, tmp_path, other_process):
    other_process("wait")
    wait_for((tmp_path / "started").exists)
    told = []

    def tell(text):
        told.append(text)
        (tmp_path / "go").touch()

    with cache.build(KEY, builder, Work(tell)) as held:
        assert held.environment.key == KEY
    assert told == ["waiting for another process that builds or uses it"]


def test_waiting_ends_when_the_work_is_cancelled(cache, builder, tmp_path, other_process):
    other_process("wait")
    wait_for((tmp_path / "started").exists)
    work = Work()
    threading.Timer(0.2, work.cancel).start()
    with pytest.raises(Cancelled):
        cache.build(KEY, builder, work)
    assert builder.calls == 0


def test_what_a_killed_build_left_is_removed_first(cache, builder, tmp_path, other_process):
    process = other_process("wait")
    wait_for((tmp_path / "started").exists)
    end(process)
    (kept,) = cache.environments()
    assert not kept.is_finished
    # The builder asserts that its folder is empty.
    cache.build(KEY, builder, Work()).release()
    assert builder.calls == 1


def test_a_tool_that_outlives_its_builder_still_holds_the_lock(
    cache, builder, tmp_path, other_process
):
    process = other_process("tool")
    wait_for((tmp_path / "started").exists)
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    told = []
    cache.build(KEY, builder, Work(told.append)).release()
    # It had to wait for the tool, though nobody who knows of the build was left.
    assert told
    assert builder.calls == 1


def test_what_is_in_use_stays(cache, builder, tmp_path, other_process):
    process = other_process()
    assert process.stdout.readline() == "held\n"
    with pytest.raises(EnvironmentFailed, match="in use"):
        cache.remove(KEY)
    assert cache.gc(0.0) == []
    (kept,) = cache.environments()
    assert kept.in_use
    assert os.path.exists(cache.prefix(KEY))
    end(process)
    cache.remove(KEY)
    assert os.listdir(tmp_path / "cache/environments") == []


def test_removed_environments_can_be_built_again(cache, builder, built):
    cache.remove(KEY)
    assert cache.hold(KEY) is None
    cache.build(KEY, builder, Work()).release()
    assert builder.calls == 2


def test_gc_goes_by_last_use(cache, builder, tmp_path):
    for key in (KEY, OTHER):
        cache.build(key, builder, Work()).release()
    os.utime(tmp_path / f"cache/environments/{OTHER}.lock", (1e9, 1e9))
    unfinished = "e" * 20
    os.mkdir(cache.prefix(unfinished))
    wanted = {OTHER, unfinished}
    assert {one.key for one in cache.gc(3600, dry_run=True)} == wanted
    assert len(cache.environments()) == 3
    assert {one.key for one in cache.gc(3600)} == wanted
    assert [one.key for one in cache.environments()] == [KEY]


def test_holding_counts_as_use(cache, builder, built, tmp_path):
    os.utime(tmp_path / f"cache/environments/{KEY}.lock", (1e9, 1e9))
    cache.hold(KEY).release()
    assert cache.gc(3600) == []


def test_a_folder_that_cannot_be_written_into_is_removed_all_the_same(cache, builder, built):
    os.chmod(built / "pack/deep", 0o500)
    cache.remove(KEY)
    assert not os.path.exists(cache.prefix(KEY))


def test_a_lock_file_that_is_deleted_again_and_again_has_one_owner(tmp_path):
    # Who opened the old file must not believe to own what the new file stands for.
    path = str(tmp_path / "locks/one.lock")
    owners: list[int] = []
    seen: list[int] = []

    def own_and_delete(number):
        for _ in range(200):
            lock = FileLock(path)
            while not lock.own():
                pass
            owners.append(number)
            seen.append(len(owners))
            os.sched_yield()
            owners.remove(number)
            lock.delete()

    threads = [threading.Thread(target=own_and_delete, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert len(seen) == 800
    assert set(seen) == {1}
