"""Real uv for real interpreters, in a home that holds nothing; and a small index on loopback."""

import base64
import hashlib
import http.server
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from wheels import make_wheel, wheel_bytes

from falaj.store.blobs import BlobStore
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.interpreters import find_interpreter
from falaj_control.environments.platforms import local_platform
from falaj_control.environments.resolving import resolve
from falaj_control.environments.values import FoundInterpreter, Lock, Request
from falaj_control.environments.work import ToolOutput, Work

NEW = "3.11"
_OTHERS = ("UV_", "PIP_", "FALAJ_", "METAFLOW_", "XDG_", "PYTHON", "VIRTUAL_ENV", "CONDA")


class WatchedWork(Work):
    """Work that remembers the command lines of the tools and what was told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.commands: list[list[str]] = []
        super().__init__(self.told.append)

    def run(self, command: Sequence[str], *rest: Any, **named: Any) -> ToolOutput:
        self.commands.append(list(command))
        return super().run(command, *rest, **named)


class Machine:
    """A person's machine: folders, variables and Pythons; `ask` resolves on it."""

    def __init__(self, root: Path, cache: Path, pythons: Callable[[str], FoundInterpreter]) -> None:
        self.root = root
        self.folders = CacheFolders(str(root / "cache"))
        self.store = BlobStore(str(root / "store"))
        self.work = WatchedWork()
        self.pythons = pythons
        self.home = root / "person"
        self.home.mkdir()
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_OTHERS)}
        self.environ = {**kept, "HOME": str(self.home), "UV_CACHE_DIR": str(cache)}

    def request(self, *requirements: str, python: str = NEW, **rest: Any) -> Request:
        return Request(python, requirements, **{"base": str(self.root), **rest})

    def ask(self, request: Request, platform: str = "", **variables: str) -> Lock:
        return resolve(
            request,
            self.pythons(request.python),
            platform or local_platform(),
            self.folders,
            self.store,
            {**self.environ, **variables},
            self.work,
        )

    def written(self) -> Iterator[bytes]:
        """Yield what lies in the cache and the store."""
        for folder in (self.folders.root, self.store.root):
            for parent, _, names in os.walk(folder):
                for name in names:
                    yield Path(parent, name).read_bytes()


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv")


@pytest.fixture(scope="session")
def pythons(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], FoundInterpreter]:
    folders = CacheFolders(str(tmp_path_factory.mktemp("pythons")))
    return lambda wanted: find_interpreter(wanted, folders, os.environ, None)


@pytest.fixture
def machine(tmp_path: Path, uv_cache: Path, pythons: Callable[[str], FoundInterpreter]) -> Machine:
    return Machine(tmp_path, uv_cache, pythons)


@pytest.fixture(name="make_wheel")
def wheel_maker() -> Callable[..., Path]:
    return make_wheel


@pytest.fixture
def make_library() -> Callable[..., Path]:
    """Return a function that writes a package's folder, which setuptools builds."""

    def make(folder: Path, name: str, depends: Sequence[str] = (), more: str = "") -> Path:
        folder.mkdir(parents=True)
        (folder / f"{name}.py").write_text("answer = 42\n")
        (folder / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "1.2"\ndependencies = {list(depends)}\n'
            '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
            f'[tool.setuptools]\npy-modules = ["{name}"]\n{more}'
        )
        return folder

    return make


@pytest.fixture
def commit() -> Callable[[Path], str]:
    """Return a function that makes a git repository of a folder and returns its commit."""

    def make(folder: Path) -> str:
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder)]
        for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
            subprocess.run([*git, *arguments], check=True)
        found = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True)
        return found.stdout.decode().strip()

    return make


class Index:
    """A server with a simple index below /simple, and whatever else is put into `files`."""

    def __init__(self, user: str) -> None:
        self.files: dict[str, bytes] = {}
        self.hashes = True
        self.status = 401
        expected = "Basic " + base64.b64encode(user.encode()).decode()
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if user and self.headers["Authorization"] != expected:
                    self.send_response(index.status)
                    self.send_header("WWW-Authenticate", 'Basic realm="x"')
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                data = index.files.get(self.path.partition("?")[0])
                if data is None:
                    return self.send_error(404)
                self.send_response(200)
                is_page = self.path.endswith("/")
                self.send_header("Content-Type", "text/html" if is_page else "application/zip")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(data)

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def offer(self, name: str, version: str, hashes: bool = True) -> str:
        """Put a wheel into the index; return its path on the server."""
        file = f"{name}-{version}-py3-none-any.whl"
        data = wheel_bytes(name, version)
        fragment = f"#sha256={hashlib.sha256(data).hexdigest()}" if hashes else ""
        self.files[f"/files/{file}"] = data
        self.files[f"/simple/{name}/"] = f'<a href="/files/{file}{fragment}">{file}</a>'.encode()
        return f"/files/{file}"

    def offer_git(self, folder: Path, path: str) -> None:
        """Serve a repository by the protocol that takes only files."""
        subprocess.run(["git", "-C", str(folder), "update-server-info"], check=True)
        for file in (folder / ".git").rglob("*"):
            if file.is_file():
                self.files[f"{path}/{file.relative_to(folder / '.git')}"] = file.read_bytes()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def make_index() -> Iterator[Callable[..., Index]]:
    """Return a function that starts an index; `user` is `name:password`, or empty for anybody."""
    made: list[Index] = []

    def make(user: str = "") -> Index:
        made.append(Index(user))
        return made[-1]

    yield make
    for index in made:
        index.close()


@pytest.fixture
def versions() -> Callable[[Lock], Mapping[str, str | None]]:
    return lambda lock: {one["name"]: one.get("version") for one in lock.packages}
