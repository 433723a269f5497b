"""`lock` as a person uses it: real uv, an index on this machine, and runs that keep to the file."""

import base64
import hashlib
import http.server
import os
import re
import signal
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from falaj.store.blobs import BlobStore

FLOW = """
class F(FlowSpec):
    @pypi(packages={packages}, index_url="{index}")
    @step
    def start(self):
        import tiny

        self.version = tiny.version
        self.next(self.end)

    @step
    def end(self):
        pass
"""


class Index:
    """A package index on a free port; `releases` maps names of wheels to their bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.releases: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.password = ""
        self.is_slow = threading.Event()
        self.closing = threading.Event()
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.asked.append(self.path)
                if index.is_slow.is_set():
                    index.closing.wait()
                token = base64.b64encode(index.password.encode()).decode()
                if index.password and self.headers["Authorization"] != f"Basic {token}":
                    self.send_response(401)
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                data = index.answer(self.path)
                self.send_response(200 if data is not None else 404)
                self.send_header("Content-Type", "text/html" if self.path[-1] == "/" else "x/y")
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data or b"")

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://{self.host}/simple"

    def add(self, version: str, tag: str = "py3-none-any", name: str = "tiny") -> None:
        """Publish a release of a package that knows its version."""
        wheel = f"{name}-{version}-{tag}.whl"
        info = f"{name}-{version}.dist-info"
        files = {
            f"{name}.py": f"version = {version!r}\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        }
        path = self.folder / wheel
        with zipfile.ZipFile(path, "w") as archive:
            for file, text in files.items():
                archive.writestr(file, text)
            lines = [f"{file},," for file in (*files, f"{info}/RECORD")]
            archive.writestr(f"{info}/RECORD", "\n".join(lines) + "\n")
        self.releases[wheel] = path.read_bytes()

    def answer(self, path: str) -> bytes | None:
        name = path.strip("/").rpartition("/")[2]
        if path.startswith("/files/"):
            return self.releases.get(name)
        links = [
            f'<a href="/files/{wheel}#sha256={hashlib.sha256(data).hexdigest()}">{wheel}</a><br>'
            for wheel, data in self.releases.items()
            if wheel.startswith(f"{name}-")
        ]
        return "\n".join(links).encode() if links else None

    def close(self) -> None:
        if not self.closing.is_set():
            self.closing.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    folder = tmp_path / "wheels"
    folder.mkdir()
    made = Index(folder)
    made.add("1.0")
    yield made
    made.close()


@pytest.fixture
def flow(
    project: Any, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Return a function that writes the flow with these packages; its lock file is returned."""
    for variable in ("FALAJ_CACHE", "UV_CACHE_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    monkeypatch.setenv("UV_NO_CONFIG", "1")

    def write(url: str = index.url, **packages: str) -> Path:
        project.write(FLOW.format(packages=packages or {"tiny": ""}, index=url))
        return tmp_path / "flow.lock.toml"

    write()
    return write


def test_nothing_moves_and_nothing_is_asked_until_somebody_wants_newer_versions(
    project: Any, flow: Callable[..., Path], index: Index
) -> None:
    file = flow()
    first = project.command("lock")
    assert "start: python 3." in first.out
    assert "1 package (new)" in first.out
    text = file.read_bytes()
    index.add("2.0")
    index.asked.clear()
    assert "unchanged" in project.command("lock").out
    assert index.asked == []
    assert file.read_bytes() == text
    upgraded = project.command("lock", "--upgrade")
    assert "(tiny 1.0 → 2.0)" in upgraded.out
    assert file.read_bytes() != text
    project.command("lock", "--check")


def test_locking_on_a_machine_that_knows_nothing_gives_the_same_bytes(
    project: Any, flow: Callable[..., Path], tmp_path: Path
) -> None:
    file = flow()
    project.command("lock")
    text = file.read_bytes()
    file.unlink()
    project.command("lock", env={"FALAJ_CACHE": str(tmp_path / "another")})
    assert file.read_bytes() == text


def test_check_tells_that_the_flow_asks_for_more(project: Any, flow: Callable[..., Path]) -> None:
    file = flow()
    project.command("lock")
    project.command("lock", "--check")
    before = file.read_bytes()
    flow(tiny="==1.0")
    found = project.command("lock", "--check", code=1)
    assert "start: it has no answer for" in found.err
    assert "tiny==1.0" in found.err
    assert file.read_bytes() == before


def test_other_platforms_are_locked_with_their_own_files_and_stay(
    project: Any, flow: Callable[..., Path], index: Index
) -> None:
    index.releases.clear()
    index.add("1.0", "py3-none-win_amd64")
    index.add("1.0", "py3-none-manylinux_2_17_x86_64")
    file = flow()
    project.command("lock", "--platform", "linux", "--platform", "windows")
    parts = file.read_text().split("[[environment]]")
    assert len(parts) == 3
    for part in parts[1:]:
        assert ("win_amd64.whl" in part) == ("x86_64-pc-windows-msvc" in part)
    assert "on x86_64-pc-windows-msvc" in project.command("lock").out
    assert file.read_text().split("[[environment]]") == parts


def test_what_can_not_be_resolved_names_the_step_and_leaves_the_file(
    project: Any, flow: Callable[..., Path]
) -> None:
    file = flow()
    project.command("lock")
    before = file.read_bytes()
    flow(tiny="==9")
    failed = project.command("lock", code=1)
    assert "tiny==9" in failed.err
    assert "step start" in failed.err.lower()
    assert f"flow.py:{project.line_of('@pypi')}" in failed.err
    assert "Traceback" not in failed.err
    assert file.read_bytes() == before


def test_no_password_gets_into_the_file(
    project: Any, flow: Callable[..., Path], index: Index, tmp_path: Path
) -> None:
    index.password = "ada:s3cret"
    file = flow(url=f"http://ada:${{PASS}}@{index.host}/simple")
    result = project.command("lock", "--vendor", env={"PASS": "s3cret"})
    assert "s3cret" not in file.read_text() + result.out + result.err
    assert file.read_text().count("tiny-1.0-py3-none-any.whl") == 1
    kept = [path for path in tmp_path.rglob("*") if "uv_cache" not in str(path) and path.is_file()]
    assert [path for path in kept if b"s3cret" in path.read_bytes()] == []


def test_a_person_who_has_had_enough_is_obeyed(
    project: Any, flow: Callable[..., Path], index: Index, until: Callable[..., Any]
) -> None:
    file = flow()
    index.is_slow.set()
    process = project.start("lock")
    until(lambda: index.asked)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130, out
    assert "Traceback" not in out
    assert not file.exists()


def test_mirrored_files_are_told_and_not_fetched_again(
    project: Any, flow: Callable[..., Path], index: Index
) -> None:
    flow()
    first = project.command("lock", "--vendor")
    assert "mirrored tiny 1.0 (1 of 1)" in first.err
    index.close()
    assert "mirrored tiny" not in project.command("lock", "--vendor").err


def test_a_mirrored_file_that_is_another_than_the_locked_one_is_refused(
    project: Any, flow: Callable[..., Path], index: Index
) -> None:
    flow()
    project.command("lock")
    index.add("1.0", "py3-none-any")
    index.releases["tiny-1.0-py3-none-any.whl"] += b"evil"
    failed = project.command("lock", "--vendor", code=1)
    assert "not the file that the lock names" in failed.err


def write_package(folder: Path) -> None:
    """Write the source of a package `mine`, which needs nothing to be built."""
    folder.mkdir()
    (folder / "mine.py").write_text("value = 1\n")
    (folder / "pyproject.toml").write_text(
        "[project]\nname = 'mine'\nversion = '1'\n"
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    )
    (folder / "backend.py").write_text("")


def test_a_mirrored_commit_is_in_the_store_and_stays_locked(
    project: Any, flow: Callable[..., Path], tmp_path: Path
) -> None:
    source = tmp_path / "mine"
    write_package(source)
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        subprocess.run([*git, *arguments], cwd=source, check=True)
    file = flow(mine=f"@ git+{source.as_uri()}")
    project.command("lock", "--vendor")
    (digest,) = re.findall('falaj-snapshot = "(.*)"', file.read_text())
    assert BlobStore(str(project.home / "store")).exists(digest)
    source.rename(tmp_path / "away")
    assert "unchanged" in project.command("lock", "--vendor").out
    project.command("lock", "--check")


def test_a_changed_local_package_is_locked_anew(
    project: Any, flow: Callable[..., Path], tmp_path: Path
) -> None:
    source = tmp_path / "mine"
    write_package(source)
    file = flow(mine="@ ./mine")
    project.command("lock")
    project.command("lock", "--check")
    before = file.read_bytes()
    (source / "mine.py").write_text("value = 2\n")
    assert "mine changed since" in project.command("lock", "--check", code=1).err
    project.command("lock")
    assert file.read_bytes() != before
    project.command("lock", "--check")
