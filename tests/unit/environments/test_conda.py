from __future__ import annotations

import base64
import functools
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conda_channel import MINOR, PYTHON, CondaChannel, make_python

from falaj.store.blobs import BlobStore
from falaj_control.environments.conda import install_conda, resolve_conda
from falaj_control.environments.conda_pypi import brought_by_conda
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.platforms import local_platform
from falaj_control.environments.uvtool import find_uv
from falaj_control.environments.values import EnvironmentFailed, Lock, Request
from falaj_control.environments.vendoring import vendor, vendored_file
from falaj_control.environments.work import Cancelled, Work

HERE = local_platform()
ELSEWHERE = "aarch64-apple-darwin"


class Machine:
    """What one machine has: a cache, a store, variables; and what it was told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folders = CacheFolders(str(root / "cache"))
        self.store = BlobStore(str(root / "store"))
        self.environ = {**os.environ, "HOME": str(root), "UV_CACHE_DIR": str(root / "uv")}
        self.told: list[str] = []

    def resolve(self, request: Request, platform: str = HERE, **environ: str) -> Lock:
        work = Work(self.told.append)
        surroundings = {**self.environ, **environ}
        return resolve_conda(request, platform, self.folders, self.store, surroundings, work)

    def install(self, lock: Lock, name: str, **environ: str) -> Path:
        prefix = self.root / name
        surroundings = {**self.environ, **environ}
        install_conda(lock, str(prefix), self.folders, surroundings, Work(self.told.append))
        return prefix


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    yield Machine(tmp_path)
    # Each holds a Python, and what tests leave is kept for a while.
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_python(tmp_path_factory.mktemp("python"))


@pytest.fixture
def channel(tmp_path: Path, python: Path) -> CondaChannel:
    made = CondaChannel(tmp_path / "channel")
    made.add_python(python)
    made.add_module("tinyapp", "1.0")
    made.add_module("tinyapp", "2.0", made_at=1_700_000_000)
    return made.index()


def asking(*specs: str, channel: str = "./channel", base: object = "", **other: Any) -> Request:
    return Request(python=MINOR, conda=specs, channels=(channel,), base=str(base), **other)


def versions(lock: Lock) -> dict[str, str]:
    return {record["name"]: record["version"] for record in lock.conda}


def run(prefix: Path, code: str) -> str:
    command = [str(prefix / "bin" / "python"), "-s", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env={}, check=True)
    return done.stdout.strip()


def test_versions_are_chosen_as_asked(machine: Machine, channel: CondaChannel) -> None:
    for asked, chosen in (("tinyapp", "2.0"), ("tinyapp ==1.0", "1.0"), ("tinyapp <2", "1.0")):
        lock = machine.resolve(asking(asked, channel=channel.url))
        assert versions(lock) == {"python": PYTHON, "tinyapp": chosen}
        assert (lock.kind, lock.python, lock.platform) == ("conda", MINOR, HERE)


def test_a_lock_is_plain_and_the_same_each_time(machine: Machine, channel: CondaChannel) -> None:
    channel.add_module("a-base", "1.0")
    channel.add_module("zoo", "1.0", ("a-base",))
    channel.index()
    request = asking("zoo", "tinyapp", base=machine.root)
    lock = machine.resolve(request)
    assert machine.resolve(request).to_data() == lock.to_data()
    assert Lock.from_data(json.loads(json.dumps(lock.to_data()))) == lock
    assert list(versions(lock)) == ["a-base", "python", "tinyapp", "zoo"]
    app = lock.conda[2]
    assert app["url"] == f"{channel.url}/noarch/tinyapp-2.0-0.tar.bz2"
    assert len(app["sha256"]) == 64


def test_a_spec_that_names_python_decides_its_version(
    machine: Machine, channel: CondaChannel
) -> None:
    request = replace(asking(f"python =={PYTHON}", channel=channel.url), python="3.7")
    assert versions(machine.resolve(request)) == {"python": PYTHON}


def test_nothing_newer_than_the_day_is_chosen(machine: Machine, channel: CondaChannel) -> None:
    asked = asking("tinyapp", channel=channel.url)
    # The second release was made on 2023-11-14, at 22:13:20.
    for newest, chosen in (
        ("2023-11-14", "2.0"),
        ("2023-11-13", "1.0"),
        ("2023-11-14T22:00:00Z", "1.0"),
        ("2023-11-15T00:00:00+02:00", "1.0"),
        ("2023-11-14T22:13:20Z", "2.0"),
    ):
        lock = machine.resolve(replace(asked, exclude_newer=newest))
        assert versions(lock)["tinyapp"] == chosen


def test_the_first_channel_that_has_a_package_counts(
    machine: Machine, channel: CondaChannel
) -> None:
    other = CondaChannel(machine.root / "other")
    other.add_module("tinyapp", "3.0")
    other.index()
    request = replace(asking("tinyapp"), channels=(channel.url, other.url))
    assert versions(machine.resolve(request))["tinyapp"] == "2.0"
    request = replace(request, channels=(other.url, channel.url))
    assert versions(machine.resolve(request))["tinyapp"] == "3.0"


def test_another_platform_has_what_its_machines_usually_have(
    machine: Machine, channel: CondaChannel
) -> None:
    channel.add_for("osx-arm64", "tinylib", "1.0", ("__osx >=11.0",))
    channel.add_for("osx-arm64", "python", PYTHON)
    channel.index()
    lock = machine.resolve(asking("tinylib", channel=channel.url), ELSEWHERE)
    assert versions(lock)["tinylib"] == "1.0"
    assert lock.platform == ELSEWHERE
    with pytest.raises(EnvironmentFailed, match="__osx"):
        channel.add_for("osx-arm64", "tinylib", "2.0", ("__osx >=99",))
        channel.index()
        machine.resolve(asking("tinylib ==2.0", channel=channel.url), ELSEWHERE)


def test_a_conflict_is_explained(machine: Machine, channel: CondaChannel) -> None:
    channel.add_module("addon", "1.0", ("tinyapp ==1.0",))
    channel.index()
    with pytest.raises(EnvironmentFailed) as caught:
        machine.resolve(asking("addon", "tinyapp ==2.0", channel=channel.url))
    text = str(caught.value)
    assert "no packages that satisfy all that is asked for" in text
    assert "addon" in text
    assert "tinyapp ==1.0" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (asking("tinyapp", channel="./nowhere"), "there is no such channel"),
        (
            asking("tinyapp", channel="http://127.0.0.1:9/x"),
            r"can't be reached(.|\n)*127\.0\.0\.1:9",
        ),
        (asking("tinyapp ===!", channel="./channel"), "`tinyapp ===!`"),
        (asking("tinyapp", channel="https://${NO_SUCH}/x"), "NO_SUCH"),
    ],
)
def test_what_can_not_be_asked_is_told(
    machine: Machine, channel: CondaChannel, asked: Request, said: str
) -> None:
    with pytest.raises(EnvironmentFailed, match=said):
        machine.resolve(replace(asked, base=str(machine.root)))


def test_without_py_rattler_it_says_what_to_install(
    machine: Machine, channel: CondaChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    import rattler

    installed = str(Path(rattler.__file__).parent.parent)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != installed])
    with pytest.raises(EnvironmentFailed, match=r"pip install 'falaj\[conda\]'"):
        machine.resolve(asking("tinyapp", channel=channel.url))


def test_two_versions_live_side_by_side(machine: Machine, channel: CondaChannel) -> None:
    prefixes = {
        version: machine.install(
            machine.resolve(asking(f"tinyapp =={version}", channel=channel.url)), version
        )
        for version in ("1.0", "2.0")
    }
    for version, prefix in prefixes.items():
        assert run(prefix, "import tinyapp; print(tinyapp.VERSION)") == version
    # Both are made of one package of Python, which takes its space once.
    one, other = (prefix / "bin" / f"python{MINOR}" for prefix in prefixes.values())
    assert one.stat().st_ino == other.stat().st_ino
    assert any(text.endswith(": tinyapp") for text in machine.told)


def test_an_environment_sees_only_itself(machine: Machine, channel: CondaChannel) -> None:
    lock = machine.resolve(asking("tinyapp", channel=channel.url))
    prefix = machine.install(lock, "environment")
    for path in json.loads(run(prefix, "import json, sys; print(json.dumps(sys.path))")):
        assert not path or path.startswith(str(prefix))
    _wheel(machine.root, "addon", "1.0")
    command = [find_uv(machine.environ), "pip", "install", "-p", str(prefix / "bin" / "python")]
    command += ["--no-index", "--find-links", str(machine.root), "addon"]
    subprocess.run(command, env=machine.environ, check=True, capture_output=True)
    assert run(prefix, "import addon, tinyapp; print(addon.__file__)").startswith(str(prefix))


def test_what_was_fetched_is_not_asked_for_again(machine: Machine, channel: CondaChannel) -> None:
    lock = machine.resolve(asking("tinyapp", channel=channel.url))
    machine.install(lock, "first")
    channel.folder.rename(machine.root / "gone")
    prefix = machine.install(lock, "second")
    assert run(prefix, "import tinyapp; print(tinyapp.VERSION)") == "2.0"
    cold = Machine(machine.root / "other")
    with pytest.raises(EnvironmentFailed, match="Installing conda packages"):
        cold.install(lock, "third")


def test_mirrored_packages_are_installed_from_the_store(
    machine: Machine, channel: CondaChannel
) -> None:
    lock = machine.resolve(asking("tinyapp", channel=channel.url))
    vendor(lock, machine.store, machine.environ, Work())
    channel.folder.rename(machine.root / "gone")
    prefix = machine.root / "environment"
    mirrored = functools.partial(vendored_file, machine.store)
    install_conda(lock, str(prefix), machine.folders, machine.environ, Work(), mirrored=mirrored)
    assert run(prefix, "import tinyapp; print(tinyapp.VERSION)") == "2.0"
    noted = json.loads((prefix / "conda-meta" / "tinyapp-2.0-0.json").read_text())
    assert noted["url"] == f"{channel.url}/noarch/tinyapp-2.0-0.tar.bz2"


def test_another_file_than_the_locked_one_is_refused(
    machine: Machine, channel: CondaChannel
) -> None:
    lock = machine.resolve(asking("tinyapp ==1.0", channel=channel.url))
    package = channel.folder / "noarch" / "tinyapp-1.0-0.tar.bz2"
    package.write_bytes((channel.folder / "noarch" / "tinyapp-2.0-0.tar.bz2").read_bytes())
    with pytest.raises(EnvironmentFailed, match="not the file that the lock names"):
        machine.install(lock, "environment")


def test_passwords_are_used_and_kept_nowhere(
    machine: Machine, channel: CondaChannel, server: Callable[[str], str]
) -> None:
    place = server("user:s3cret")
    (machine.root / "0ther").symlink_to(channel.folder)
    url = f"http://user:${{TOKEN}}@{place}/${{PLACE}}"
    request = asking("tinyapp", channel=url)
    lock = machine.resolve(request, TOKEN="s3cret", PLACE="0ther")
    assert lock.conda[1]["url"] == f"{url}/noarch/tinyapp-2.0-0.tar.bz2"
    prefix = machine.install(lock, "environment", TOKEN="s3cret", PLACE="0ther")
    assert run(prefix, "import tinyapp; print(tinyapp.VERSION)") == "2.0"
    kept = json.dumps([lock.to_data(), machine.told])
    kept += "".join(
        path.read_text(errors="replace")
        for folder in ("cache/conda", "environment/conda-meta")
        for path in (machine.root / folder).rglob("*")
        if path.is_file() and "lib" not in path.parts
    )
    assert "tinyapp-2.0-0" in kept
    assert "s3cret" not in kept
    assert "0ther" not in kept
    with pytest.raises(EnvironmentFailed, match="refuses access") as caught:
        machine.resolve(request, TOKEN="wr0ng", PLACE="0ther")
    assert "wr0ng" not in str(caught.value)


def test_rattlers_own_credentials_stay_in_force(
    machine: Machine, channel: CondaChannel, server: Callable[[str], str]
) -> None:
    place = server("user:s3cret")
    file = machine.root / "auth.json"
    login = {"BasicHTTP": {"username": "user", "password": "s3cret"}}
    file.write_text(json.dumps({place.partition(":")[0]: login}))
    request = asking("tinyapp", channel=f"http://{place}/channel")
    lock = machine.resolve(request, RATTLER_AUTH_FILE=str(file))
    machine.install(lock, "environment", RATTLER_AUTH_FILE=str(file))
    assert versions(lock)["tinyapp"] == "2.0"


def test_packages_of_pypi_come_on_top_of_those_of_conda(
    machine: Machine, channel: CondaChannel
) -> None:
    wheels = machine.root / "wheels"
    wheels.mkdir()
    _wheel(wheels, "addon", "1.0", "tinyapp>=1", "helper")
    _wheel(wheels, "helper", "0.5")
    # Newer than conda's, and not to be taken for it.
    _wheel(wheels, "tinyapp", "9.0")
    request = asking(
        "tinyapp",
        channel=channel.url,
        base=machine.root,
        requirements=("addon", "tinyapp"),
        find_links=("./wheels",),
    )
    lock = machine.resolve(request, UV_OFFLINE="1")
    assert versions(lock)["tinyapp"] == "2.0"
    assert [(one["name"], one["version"]) for one in lock.packages] == [
        ("addon", "1.0"),
        ("helper", "0.5"),
    ]
    assert machine.resolve(request, UV_OFFLINE="1") == lock


def test_a_conflict_between_pypi_and_conda_is_explained(
    machine: Machine, channel: CondaChannel
) -> None:
    _wheel(machine.root, "addon", "1.0", "tinyapp>=3")
    _wheel(machine.root, "tinyapp", "3.0")
    request = asking(
        "tinyapp",
        channel=channel.url,
        base=machine.root,
        requirements=("addon",),
        find_links=(".",),
    )
    with pytest.raises(EnvironmentFailed) as caught:
        machine.resolve(request, UV_OFFLINE="1")
    text = str(caught.value)
    assert "Conda brings tinyapp 2.0, which stays as it is." in text
    assert "tinyapp>=3" in text
    assert "file://" not in text


def test_packages_of_pypi_are_resolved_for_other_platforms(
    machine: Machine, channel: CondaChannel
) -> None:
    channel.add_for("osx-arm64", "python", PYTHON)
    channel.index()
    _wheel(machine.root, "addon", "1.0", "helper; sys_platform == 'darwin'")
    _wheel(machine.root, "helper", "0.5")
    request = asking(
        channel=channel.url, base=machine.root, requirements=("addon",), find_links=(".",)
    )
    names = {
        platform: [
            one["name"] for one in machine.resolve(request, platform, UV_OFFLINE="1").packages
        ]
        for platform in (HERE, ELSEWHERE)
    }
    assert names == {HERE: ["addon"], ELSEWHERE: ["addon", "helper"]}


def test_conda_packages_are_known_by_their_names_on_pypi() -> None:
    records = [
        {"name": "pytorch", "version": "2.1.0", "depends": ["python >=3.11,<3.12.0a0"]},
        {"name": "Typing_Extensions", "version": "4.1", "noarch": "python"},
        {"name": "stated", "version": "1.0", "noarch": "python", "purls": ["pkg:pypi/real.name"]},
        {"name": "tzdata", "version": "2023c", "noarch": "python"},
        {"name": "libblas", "version": "3.9.0", "depends": ["libopenblas"]},
    ]
    assert brought_by_conda(records) == {
        "torch": "2.1.0",
        "typing-extensions": "4.1",
        "real-name": "1.0",
    }


def test_an_installation_can_be_cut_off(machine: Machine, channel: CondaChannel) -> None:
    lock = machine.resolve(asking("tinyapp", channel=channel.url))
    work = Work()
    ended: list[BaseException] = []

    def install() -> None:
        try:
            install_conda(lock, str(machine.root / "cut"), machine.folders, machine.environ, work)
        except Cancelled as error:
            ended.append(error)

    thread = threading.Thread(target=install)
    thread.start()
    _wait_until(lambda: any((machine.root / "cache" / "conda").rglob("index.json")))
    work.cancel()
    thread.join()
    assert len(ended) == 1
    assert run(machine.install(lock, "again"), "print(1)") == "1"


def test_a_kill_leaves_a_cache_that_works(machine: Machine, channel: CondaChannel) -> None:
    lock = machine.resolve(asking("tinyapp", channel=channel.url))
    prefix = machine.root / "killed"
    code = (
        "import json, os, sys; sys.path[:] = json.loads(sys.argv[1]);"
        "from falaj_control.environments.conda import install_conda;"
        "from falaj_control.environments.folders import CacheFolders;"
        "from falaj_control.environments.values import Lock;"
        "from falaj_control.environments.work import Work;"
        "lock = Lock.from_data(json.load(sys.stdin));"
        "install_conda(lock, sys.argv[2], CacheFolders(sys.argv[3]), os.environ, Work())"
    )
    arguments = [json.dumps(sys.path), str(prefix), machine.folders.root]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        env=machine.environ,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(lock.to_data()).encode())
    process.stdin.close()
    _wait_until(lambda: (prefix / "lib").exists())
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert run(machine.install(lock, "again"), "import tinyapp; print(tinyapp.VERSION)") == "2.0"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Serve `tmp_path` on a free port to whoever knows user and password."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def serve(login: str) -> str:
        wanted = "Basic " + base64.b64encode(login.encode()).decode()

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.headers.get("Authorization") == wanted:
                    return super().do_GET()
                self.send_response(401)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return None

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionError:
                    # A client that has what it wants goes.
                    pass

        handler = functools.partial(Handler, directory=str(tmp_path))
        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever).start()
        return f"127.0.0.1:{servers[-1].server_port}"

    yield serve
    for one in servers:
        one.shutdown()
        one.server_close()


def _wheel(folder: Path, name: str, version: str, *requires: str) -> None:
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Requires-Dist: {one}" for one in requires]
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        wheel.writestr(f"{about}/METADATA", "\n".join(metadata) + "\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")


def _wait_until(happened: Callable[[], bool]) -> None:
    for _ in range(3000):
        if happened():
            return
        time.sleep(0.005)
    raise AssertionError("It never came to that.")
