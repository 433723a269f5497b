"""Installing locks by the real uv: from the store, from servers, from folders; and looked over."""

import base64
import hashlib
import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from wheels import wheel_bytes

from falaj.hashing import hex_of
from falaj.store.blobs import BlobStore
from falaj_control.environments.cache import EnvironmentCache
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.installing import install
from falaj_control.environments.interpreters import find_interpreter
from falaj_control.environments.localpackages import snapshot
from falaj_control.environments.platforms import local_platform
from falaj_control.environments.values import EnvironmentFailed, Lock, Request
from falaj_control.environments.work import Work

VERSION = "{}.{}".format(*sys.version_info[:2])
_OTHERS = ("UV_", "PIP_", "FALAJ_", "METAFLOW_", "XDG_", "PYTHON", "VIRTUAL_ENV", "CONDA")


def recorded(wheel: bytes) -> bytes:
    """Return a wheel whose RECORD tells of its files, as those of index do."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as file:
        files = {name: file.read(name) for name in file.namelist()}
    record = next(name for name in files if name.endswith("RECORD"))
    lines = [f"{record},,"]
    for name, data in files.items():
        if name != record:
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
            lines.append(f"{name},sha256={digest.decode()},{len(data)}")
    files[record] = "\n".join(lines).encode()
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        for name, data in files.items():
            file.writestr(zipfile.ZipInfo(name), data)
    return held.getvalue()


class Machine:
    """A person's machine, where nothing is installed yet."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folders = CacheFolders(str(root / "cache"))
        self.store = BlobStore(str(root / "store"))
        self.cache = EnvironmentCache(self.folders)
        self.told: list[str] = []
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_OTHERS)}
        home = {"HOME": str(root / "person"), "UV_CACHE_DIR": str(root / "uv")}
        self.environ = {**kept, **home}
        self.request = Request(VERSION, base=str(root))
        self.python = find_interpreter(VERSION, self.folders, os.environ, sys.executable)

    def lock(self, *packages: dict, kind: str = "pypi") -> Lock:
        return Lock("asked", kind, VERSION, local_platform(), packages=packages)

    def install(self, lock: Lock, **changes: object):
        self.told.clear()
        given = {"request": self.request, "interpreter": self.python, "environ": self.environ}
        given |= {"cache": self.cache, "store": self.store, "work": Work(self.told.append)}
        return install(lock, **{**given, **changes})

    def stored(self, name: str, version: str = "1.0", source: str = "", **more: object) -> dict:
        """Put a wheel into the store and return its package."""
        data = recorded(wheel_bytes(name, version, source=source))
        wheel = {"name": f"{name}-{version}-py3-none-any.whl", "path": f"gone/{name}.whl"}
        sha256 = hex_of(self.store.put(data))
        return {
            "name": name,
            "version": version,
            "wheels": [{**wheel, "hashes": {"sha256": sha256}}],
            **more,
        }

    def says(self, held, code: str) -> str:
        done = subprocess.run(
            [held.environment.python, "-I", "-c", code], capture_output=True, text=True, cwd="/"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


class Server:
    """Serves files on loopback and notes what was asked for."""

    def __init__(self, user: str) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        expected = "Basic " + base64.b64encode(user.encode()).decode()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                if user and self.headers["Authorization"] != expected:
                    self.send_response(401)
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                data = server.files.get(self.path)
                if data is None:
                    return self.send_error(404)
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(data)

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def package(self, name: str, version: str = "1.0", source: str = "") -> dict:
        """Serve a wheel and return its package."""
        data = recorded(wheel_bytes(name, version, source=source))
        path = f"/simple/files/{name}-{version}-py3-none-any.whl"
        self.files[path] = data
        wheel = {
            "url": f"http://{self.host}{path}",
            "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
        }
        index = f"http://{self.host}/simple"
        return {"name": name, "version": version, "index": index, "wheels": [wheel]}

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def make_server():
    made = []

    def make(user: str = "") -> Server:
        made.append(Server(user))
        return made[-1]

    yield make
    for server in made:
        server.close()


def test_a_lock_becomes_an_environment_and_stays_one(machine):
    lock = machine.lock(machine.stored("alpha", "1.5"), machine.stored("beta"))
    with machine.install(lock) as held:
        assert machine.says(held, "import alpha, beta; print(alpha.version)") == "1.5"
        found = held.environment.description
    assert (found["kind"], found["request"], found["lock"]) == ("pypi", "asked", lock.digest)
    assert found["key"] == held.environment.key
    assert found["platform"] == local_platform()
    assert found["python"] == {
        "version": machine.python.version,
        "implementation": "cpython",
        "executable": machine.python.path,
    }
    names = [(one["name"], one["version"], one["sha256"]) for one in found["packages"]]
    hashes = [one["wheels"][0]["hashes"]["sha256"] for one in lock.packages]
    assert names == [("alpha", "1.5", hashes[0]), ("beta", "1.0", hashes[1])]
    json.dumps(found)
    assert machine.told == ["installing 2 packages"]
    with machine.install(lock) as again:
        assert again.environment == held.environment
    assert machine.told == []


def test_an_environment_without_packages_has_the_standard_library_alone(machine):
    with machine.install(machine.lock()) as held:
        beside = (
            "import pkgutil, sys; print([m.name for m in pkgutil.iter_modules() "
            "if 'packages' in m.module_finder.path or m.module_finder.path.startswith(sys.prefix)])"
        )
        assert machine.says(held, beside) == "[]"
        assert machine.says(held, "import sys; print(sys.prefix)") == held.environment.prefix
        for name in ("pip", "setuptools", "falaj", "click", "_virtualenv"):
            code = f"import importlib.util as u; print(u.find_spec('{name}'))"
            assert machine.says(held, code) == "None", name


def test_what_is_used_changes_nothing_that_counts(machine):
    lock = machine.lock(machine.stored("alpha"))
    with machine.install(lock) as held:
        marker = Path(held.environment.prefix, "falaj.json")
        before = marker.stat()
        # Python compiles what it imports; a later step must not take that for damage.
        machine.says(held, "import alpha, json.tool")
        compiled = list(Path(held.environment.prefix).rglob("alpha.*.pyc"))
    assert len(compiled) == 1
    machine.install(lock).release()
    assert machine.told == []
    # Not even a thorough look was needed, after which the marker is written anew.
    assert marker.stat() == before


def test_what_was_fetched_once_is_not_asked_for_again(machine, make_server):
    server = make_server()
    lock = machine.lock(server.package("alpha"))
    with machine.install(lock) as held:
        assert held.environment.description["packages"][0]["source"] == lock.packages[0]["index"]
    assert server.asked
    assert machine.told == ["installing 1 package", "fetching and installing 1 package"]
    server.asked.clear()
    machine.cache.remove(held.environment.key)
    machine.install(lock).release()
    assert server.asked == []


def test_what_the_store_has_needs_no_server(machine, make_server):
    server = make_server()
    package = server.package("alpha")
    (path,) = server.files
    machine.store.put(server.files.pop(path))
    with machine.install(machine.lock(package)) as held:
        assert machine.says(held, "import alpha; print(alpha.version)") == "1.0"
    assert server.asked == []


@pytest.mark.parametrize("argument", ["index_url", "extra_index_urls"])
def test_credentials_reach_the_server_and_no_file(argument, machine, make_server):
    server = make_server("bob:s3cr3t-Pass")
    url = f"http://${{NAME}}:${{WORD}}@{server.host}/simple"
    places = {argument: url if argument == "index_url" else (url,)}
    request = Request(VERSION, base=str(machine.root), **places)
    environ = {**machine.environ, "NAME": "bob", "WORD": "s3cr3t-Pass"}
    lock = machine.lock(server.package("alpha"))
    machine.install(lock, request=request, environ=environ).release()
    for path in Path(machine.folders.root).rglob("*"):
        if path.is_file():
            assert b"s3cr3t-Pass" not in path.read_bytes(), path
    # A server that refuses is told of, without what it was given.
    machine.cache.remove(machine.cache.environments()[0].key)
    shutil.rmtree(machine.root / "uv")
    with pytest.raises(EnvironmentFailed) as caught:
        machine.install(lock, request=request, environ={**environ, "WORD": "another-Pass"})
    assert server.host in str(caught.value)
    assert "another-Pass" not in str(caught.value)


def test_a_file_with_another_hash_is_refused_and_leaves_nothing(machine, make_server):
    server = make_server()
    package = server.package("alpha")
    (path,) = server.files
    server.files[path] = recorded(wheel_bytes("alpha", "1.0", source="evil = 1\n"))
    with pytest.raises(EnvironmentFailed, match="[Hh]ash"):
        machine.install(machine.lock(package))
    assert machine.cache.environments() == []


def test_a_server_that_is_gone_is_named(machine, make_server):
    server = make_server()
    package = server.package("alpha")
    server.files.clear()
    with pytest.raises(EnvironmentFailed, match=f"{server.host}.*alpha"):
        machine.install(machine.lock(package))
    assert machine.cache.environments() == []


@pytest.mark.parametrize("damage", ["truncated", "rewritten", "removed"])
def test_what_is_damaged_in_the_cache_of_uv_is_fetched_again(damage, machine, make_server):
    # uv takes what it has unpacked as it is: a program that wrote into an environment which shares
    # files with uv's cache would else change all later environments.
    server = make_server()
    lock = machine.lock(server.package("alpha"), server.package("beta"))
    machine.install(lock).release()
    (unpacked,) = (machine.root / "uv").rglob("alpha.py")
    if damage == "truncated":
        os.truncate(unpacked, 0)
    elif damage == "rewritten":
        unpacked.write_text(unpacked.read_text().replace("1.0", "6.6"))
    else:
        unpacked.unlink()
    machine.cache.remove(machine.cache.environments()[0].key)
    with machine.install(lock) as held:
        assert machine.says(held, "import alpha; print(alpha.version)") == "1.0"
    assert any("fetching alpha again" in one for one in machine.told)
    assert machine.cache.damages(held.environment.key) == []


def test_environments_share_no_files_with_each_other_or_with_uv(machine, make_server):
    alpha = make_server().package("alpha")
    with (
        machine.install(machine.lock(alpha)) as one,
        machine.install(machine.lock(alpha, machine.stored("beta"))) as other,
    ):
        code = "import alpha; open(alpha.__file__, 'a').write('spoilt = 1\\n')"
        machine.says(one, code)
        assert machine.says(other, "import alpha; print(hasattr(alpha, 'spoilt'))") == "False"
    with machine.install(machine.lock(alpha, machine.stored("gamma"))) as later:
        assert machine.says(later, "import alpha; print(hasattr(alpha, 'spoilt'))") == "False"


def test_a_folder_of_this_machine_is_installed_from_its_snapshot(machine):
    folder = machine.root / "library"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "library"\nversion = "3.0"\n[build-system]\nrequires = []\n'
        'build-backend = "backend"\nbackend-path = ["."]\n'
    )
    # A build backend of its own, so that nothing has to be fetched.
    wheel = base64.b64encode(recorded(wheel_bytes("library", "3.0"))).decode()
    (folder / "backend.py").write_text(
        "import base64, os\n"
        "def build_wheel(folder, *_):\n"
        "    name = 'library-3.0-py3-none-any.whl'\n"
        "    with open(os.path.join(folder, name), 'wb') as file:\n"
        f"        file.write(base64.b64decode('{wheel}'))\n"
        "    return name\n"
    )
    source = {"digest": snapshot(str(folder), machine.store), "path": "library"}
    lock = machine.lock({"name": "library", "falaj-source": source})
    with machine.install(lock) as held:
        assert machine.says(held, "import library; print(library.version)") == "3.0"
        (package,) = held.environment.description["packages"]
        assert package["version"] == "3.0"
        assert package["sha256"] == hex_of(source["digest"])
    # On another machine the folder itself serves, as long as it is the same.
    elsewhere = BlobStore(str(machine.root / "empty"))
    machine.cache.remove(held.environment.key)
    machine.install(lock, store=elsewhere).release()
    machine.cache.remove(held.environment.key)
    (folder / "more.py").write_text("")
    with pytest.raises(EnvironmentFailed, match="library.*has changed since"):
        machine.install(lock, store=BlobStore(str(machine.root / "empty2")))
    shutil.rmtree(folder)
    with pytest.raises(EnvironmentFailed, match="library.*is not there"):
        machine.install(lock, store=BlobStore(str(machine.root / "empty2")))


def test_a_file_of_another_machine_says_what_is_missing(machine):
    package = machine.stored("alpha")
    with pytest.raises(EnvironmentFailed, match=str(machine.root / "gone/alpha.whl")):
        machine.install(machine.lock(package), store=BlobStore(str(machine.root / "empty")))
    assert machine.cache.environments() == []


def test_what_is_installed_has_to_be_what_the_lock_says(machine):
    # A wheel whose metadata names another version than its file does.
    alpha = machine.stored("alpha")
    with pytest.raises(EnvironmentFailed):
        machine.install(machine.lock({**alpha, "version": "2.0"}))
    assert machine.cache.environments() == []


def test_a_package_whose_marker_does_not_hold_stays_away(machine):
    lock = machine.lock(
        machine.stored("alpha"), machine.stored("beta", marker="python_version < '3'")
    )
    with machine.install(lock) as held:
        names = [one["name"] for one in held.environment.description["packages"]]
    assert names == ["alpha"]


@pytest.fixture
def own_python(machine):
    """An interpreter that can be removed: its own file, the library of a real one."""
    real = Path(machine.python.path)
    prefix = machine.root / "own"
    (prefix / "bin").mkdir(parents=True)
    shutil.copy(real, prefix / "bin" / real.name)
    for name in ("lib", "include"):
        (prefix / name).symlink_to(real.parents[1] / name)
    return machine.python._replace(path=str(prefix / "bin" / real.name))


def test_an_interpreter_that_is_gone(machine, own_python):
    lock = machine.lock(machine.stored("alpha"))
    with machine.install(lock, interpreter=own_python) as held:
        assert machine.says(held, "import alpha; print(alpha.version)") == "1.0"
    os.rename(own_python.path, own_python.path + ".away")
    assert machine.cache.hold(held.environment.key) is None
    with pytest.raises(EnvironmentFailed, match="not there any more"):
        machine.install(lock, interpreter=own_python)
    assert machine.cache.environments() == []
    os.rename(own_python.path + ".away", own_python.path)
    machine.install(lock, interpreter=own_python).release()


def test_brackets_and_spaces_in_the_path_of_the_cache(machine):
    cache = EnvironmentCache(CacheFolders(str(machine.root / "a [b] *c é")))
    with machine.install(machine.lock(machine.stored("alpha")), cache=cache) as held:
        assert machine.says(held, "import alpha; print(alpha.version)") == "1.0"
    assert cache.damages(held.environment.key) == []


def test_variables_of_the_person_do_not_mislead_uv(machine):
    (machine.root / "other").mkdir()
    misleading = {
        "VIRTUAL_ENV": str(machine.root / "other"),
        "CONDA_PREFIX": str(machine.root / "other"),
        "UV_PROJECT_ENVIRONMENT": str(machine.root / "other"),
        "UV_PYTHON": "3.99",
        "PYTHONHOME": "/nowhere",
        "PYTHONPATH": "/nowhere",
        "UV_LINK_MODE": "symlink",
    }
    environ = {**machine.environ, **misleading}
    with machine.install(machine.lock(machine.stored("alpha")), environ=environ) as held:
        assert machine.says(held, "import alpha; print(alpha.version)") == "1.0"
        (module,) = Path(held.environment.prefix).rglob("alpha.py")
        assert not module.is_symlink()
