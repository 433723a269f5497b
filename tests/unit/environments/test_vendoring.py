"""Mirroring the files of a lock from a real server into a real store."""

import base64
import hashlib
import http.server
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from falaj.store.blobs import BlobStore
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.localpackages import unpack
from falaj_control.environments.values import EnvironmentFailed, Lock
from falaj_control.environments.vendoring import (
    SNAPSHOT_KEY,
    chosen_file,
    files_of,
    vendor,
    vendored_file,
)
from falaj_control.environments.work import Cancelled, Work

SIX = b"the wheel of six" * 1000
LINUX = "x86_64-unknown-linux-gnu"


class Server:
    """A server of files on a free port of this machine; it notes what it was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"/six-1.17-py3-none-any.whl": SIX}
        self.moved: dict[str, str] = {}
        self.password = ""
        self.cut = 0
        self.broken = 0
        self.asked: list[tuple[str, str | None]] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sent = self.headers["Authorization"]
                path = self.path.partition("?")[0]
                server.asked.append((path, sent))
                token = base64.b64encode(server.password.encode()).decode()
                if server.broken:
                    server.broken -= 1
                    return self.send_error(503)
                if server.password and sent != f"Basic {token}":
                    return self.send_error(401)
                if path in server.moved:
                    self.send_response(302)
                    self.send_header("Location", server.moved[path])
                    return self.end_headers()
                data = server.files.get(path)
                if data is None:
                    return self.send_error(404)
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if server.cut:
                    server.cut -= 1
                    data = data[:100]
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def url(self, name: str = "six-1.17-py3-none-any.whl", user: str = "") -> str:
        return f"http://{user}{self.host}/{name}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def make_server() -> Iterator[Callable[[], Server]]:
    servers: list[Server] = []

    def make() -> Server:
        servers.append(Server())
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def server(make_server: Callable[[], Server]) -> Server:
    return make_server()


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path / "store"))


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "nobody").mkdir()
    return {"HOME": str(tmp_path / "nobody"), "PATH": os.environ["PATH"]}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel(url: str, data: bytes = SIX, name: str = "six") -> dict[str, Any]:
    table = {"url": url, "hashes": {"sha256": sha(data)}}
    return {"name": name, "version": "1.17", "wheels": [table]}


def lock(*packages: Any, **more: Any) -> Lock:
    return Lock("r", "pypi", "3.11", LINUX, packages=packages, **more)


def test_a_mirrored_file_is_the_blob_that_the_lock_names(
    server: Server, store: BlobStore, environ: dict[str, str]
) -> None:
    done = vendor(lock(wheel(server.url())), store, environ, Work())
    assert done.fetched == 1
    path = vendored_file(store, sha(SIX))
    assert path is not None
    assert Path(path).read_bytes() == SIX
    assert vendored_file(store, sha(b"another")) is None


def test_what_is_there_is_not_fetched_again(
    server: Server, store: BlobStore, environ: dict[str, str]
) -> None:
    server.files["/b.whl"] = b"b"
    first = lock(wheel(server.url()))
    vendor(first, store, environ, Work())
    both = lock(*first.packages, wheel(server.url("b.whl"), b"b", "b"))
    assert vendor(both, store, environ, Work()).fetched == 1
    assert [path for path, _ in server.asked] == ["/six-1.17-py3-none-any.whl", "/b.whl"]


def test_sources_and_conda_packages_are_mirrored_where_there_is_no_wheel(
    server: Server, store: BlobStore, environ: dict[str, str]
) -> None:
    server.files.update({"/s.tar.gz": b"source", "/p.conda": b"conda"})
    source = {"url": server.url("s.tar.gz"), "hashes": {"sha256": sha(b"source")}}
    conda = {
        "name": "p",
        "version": "1",
        "url": server.url("p.conda"),
        "sha256": sha(b"conda"),
    }
    told: list[str] = []
    made = lock({"name": "s", "version": "2", "sdist": source}, conda=(conda,))
    vendor(made, store, environ, Work(told.append))
    assert vendored_file(store, sha(b"source"))
    assert vendored_file(store, sha(b"conda"))
    assert len(told) == 2
    assert told[-1].endswith("(2 of 2)")


def test_another_file_than_the_lock_names_is_refused_and_not_kept(
    server: Server, store: BlobStore, environ: dict[str, str]
) -> None:
    server.files["/six-1.17-py3-none-any.whl"] = b"evil"
    with pytest.raises(EnvironmentFailed, match=r"six 1.17 .* is not the file that the lock names"):
        vendor(lock(wheel(server.url())), store, environ, Work())
    assert vendored_file(store, sha(SIX)) is None
    assert vendored_file(store, sha(b"evil")) is None
    assert len(server.asked) == 1


def test_a_file_that_is_gone_is_told_with_its_address_and_the_mend(
    server: Server, store: BlobStore, environ: dict[str, str]
) -> None:
    url = server.url("gone.whl")
    with pytest.raises(EnvironmentFailed) as caught:
        vendor(lock(wheel(url)), store, environ, Work())
    assert f"Can't fetch six 1.17 from {url}: the server answers 404" in str(caught.value)
    assert "falaj lock --upgrade" in str(caught.value)


def test_one_failure_ends_the_rest_and_a_second_call_goes_on(
    server: Server, store: BlobStore, environ: dict[str, str]
) -> None:
    packages = []
    for number in range(12):
        data = b"%d" % number
        server.files[f"/{number}.whl"] = data
        packages.append(wheel(server.url(f"{number}.whl"), data, f"p{number}"))
    held = server.files.pop("/5.whl")
    with pytest.raises(EnvironmentFailed, match="p5"):
        vendor(lock(*packages), store, environ, Work())
    server.files["/5.whl"] = held
    there = sum(vendored_file(store, sha(b"%d" % n)) is not None for n in range(12))
    assert vendor(lock(*packages), store, environ, Work()).fetched == 12 - there


@pytest.mark.parametrize("trouble", ["cut", "broken"])
def test_a_passing_trouble_of_the_server_is_outlived(
    server: Server, store: BlobStore, environ: dict[str, str], trouble: str
) -> None:
    setattr(server, trouble, 2)
    assert vendor(lock(wheel(server.url())), store, environ, Work()).fetched == 1
    assert len(server.asked) == 3


def test_a_lasting_trouble_of_the_server_is_told(
    server: Server, store: BlobStore, environ: dict[str, str]
) -> None:
    server.cut = 99
    with pytest.raises(EnvironmentFailed, match="ended after 100 of 16000 bytes"):
        vendor(lock(wheel(server.url())), store, environ, Work())


def test_a_server_that_is_not_there_is_told(
    make_server: Callable[[], Server], store: BlobStore, environ: dict[str, str]
) -> None:
    server = make_server()
    nowhere = lock(wheel("http://127.0.0.1:1/six.whl"))
    with pytest.raises(EnvironmentFailed, match=r"Can't fetch six 1.17 .*refused.*network"):
        vendor(nowhere, store, environ, Work())
    assert server.asked == []


def test_cancelled_work_fetches_nothing(
    server: Server, store: BlobStore, environ: dict[str, str]
) -> None:
    work = Work()
    work.cancel()
    with pytest.raises(Cancelled):
        vendor(lock(wheel(server.url())), store, environ, work)
    assert server.asked == []


def test_credentials_come_from_every_place_that_uv_reads(
    server: Server, tmp_path: Path, environ: dict[str, str]
) -> None:
    server.password = "ada:p@ss"
    netrc = Path(environ["HOME"]) / ".netrc"
    ways: list[tuple[str, dict[str, str], tuple[str, ...]]] = [
        (server.url(user="ada:p%40ss@"), {}, ()),
        (server.url(user="${WHO}:${PASS}@"), {"WHO": "ada", "PASS": "p%40ss"}, ()),
        (server.url(), {"PASS": "p%40ss"}, (server.url("simple", "ada:${PASS}@"),)),
        (server.url(), {"UV_DEFAULT_INDEX": server.url("simple", "ada:p%40ss@")}, ()),
        (
            server.url(),
            {
                "UV_INDEX": f"our-own={server.url('simple')}",
                "UV_INDEX_OUR_OWN_USERNAME": "ada",
                "UV_INDEX_OUR_OWN_PASSWORD": "p@ss",
            },
            (),
        ),
        (server.url(), {"NETRC": str(tmp_path / "netrc")}, ()),
    ]
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password p@ss\n")
    for number, (url, more, indexes) in enumerate(ways):
        store = BlobStore(str(tmp_path / f"store{number}"))
        made = vendor(lock(wheel(url)), store, {**environ, **more}, Work(), indexes)
        assert made.fetched == 1, url
    netrc.write_text("machine 127.0.0.1 login ada password p@ss\n")
    netrc.chmod(0o600)
    last = BlobStore(str(tmp_path / "last"))
    assert vendor(lock(wheel(server.url())), last, environ, Work()).fetched == 1


def test_wrong_credentials_are_told_and_never_shown(
    server: Server, store: BlobStore, environ: dict[str, str]
) -> None:
    server.password = "ada:right"
    with pytest.raises(EnvironmentFailed, match=r"401 .*netrc") as caught:
        vendor(lock(wheel(server.url(user="ada:s3cret@"))), store, environ, Work())
    assert "s3cret" not in str(caught.value)
    with pytest.raises(EnvironmentFailed, match="variable TOKEN, which is not set"):
        vendor(lock(wheel(server.url(user="${TOKEN}@"))), store, environ, Work())


def test_a_redirection_gets_no_credentials_of_another_server(
    make_server: Callable[[], Server], store: BlobStore, environ: dict[str, str]
) -> None:
    index, files = make_server(), make_server()
    index.password = "ada:s3cret"
    index.moved["/six.whl"] = files.url()
    package = wheel(index.url("six.whl", user="ada:s3cret@"))
    assert vendor(lock(package), store, environ, Work()).fetched == 1
    assert files.asked == [("/six-1.17-py3-none-any.whl", None)]


def test_a_file_without_a_hash_can_not_be_mirrored(
    server: Server, store: BlobStore, environ: dict[str, str]
) -> None:
    package = {"name": "six", "version": "1", "wheels": [{"url": server.url(), "hashes": {}}]}
    with pytest.raises(EnvironmentFailed, match=r"six 1 can't be mirrored.*SHA-256"):
        vendor(lock(package), store, environ, Work())


@pytest.mark.parametrize(
    ("wheels", "best"),
    [
        (["a-1-py3-none-any.whl", "a-1-cp311-cp311-manylinux_2_17_x86_64.whl"], 1),
        (
            ["a-1-cp39-abi3-manylinux_2_28_x86_64.whl", "a-1-cp311-abi3-manylinux_2_17_x86_64.whl"],
            1,
        ),
        (
            [
                "a-1-cp311-abi3-manylinux_2_17_x86_64.whl",
                "a-1-cp311-cp311-manylinux_2_17_x86_64.whl",
            ],
            1,
        ),
        (
            [
                "a-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
                "a-1-cp311-cp311-manylinux_2_28_x86_64.whl",
            ],
            1,
        ),
        (["a-1-py2.py3-none-any.whl", "a-1-py2-none-any.whl"], 0),
        (["a-1-cp310-cp310-macosx_11_0_arm64.whl", "a-1-2-cp310-cp310-macosx_12_0_arm64.whl"], 1),
    ],
)
def test_of_wheels_that_fit_the_most_specific_is_taken(wheels: list[str], best: int) -> None:
    for order in (wheels, wheels[::-1]):
        tables = [{"url": f"https://host/x%2B/{name}", "hashes": {}} for name in order]
        found = chosen_file({"name": "a", "wheels": tables, "sdist": {"url": "https://host/s"}})
        assert found is not None
        assert found["url"].endswith(wheels[best])


def test_packages_without_files_of_a_server_are_none_to_fetch() -> None:
    local = {"name": "mine", "version": "1", "directory": {"path": "../mine"}}
    assert files_of(lock(local)) == []


@pytest.fixture
def repository(tmp_path: Path) -> tuple[str, str]:
    """Return the address of a git repository and a commit that is not its newest."""
    folder = tmp_path / "repository"
    (folder / "src").mkdir(parents=True)

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        command = ["git", "-C", str(folder), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    for text in ("first", "second"):
        (folder / "src" / "code.py").write_text(text)
        git("add", ".")
        git("commit", "--quiet", "-m", text)
    return folder.as_uri(), git("rev-parse", "HEAD~1")


def test_a_package_from_git_becomes_a_snapshot_that_the_lock_names(
    repository: tuple[str, str], store: BlobStore, environ: dict[str, str], tmp_path: Path
) -> None:
    url, commit = repository
    vcs = {"type": "git", "url": url, "commit-id": commit}
    made = vendor(lock({"name": "mine", "vcs": vcs}), store, environ, Work()).lock
    (package,) = made.packages
    folder = unpack(store, package[SNAPSHOT_KEY], CacheFolders(str(tmp_path / "cache")))
    assert (Path(folder) / "src" / "code.py").read_text() == "first"
    # The snapshot is there: nothing is asked of the repository again.
    (tmp_path / "repository").rename(tmp_path / "away")
    assert vendor(made, store, environ, Work()).lock == made


def test_a_plain_web_server_gives_a_commit_too_and_asks_for_credentials(
    server: Server,
    repository: tuple[str, str],
    store: BlobStore,
    environ: dict[str, str],
    tmp_path: Path,
) -> None:
    commit, folder = repository[1], tmp_path / "repository" / ".git"
    subprocess.run(["git", "update-server-info"], cwd=folder, check=True)
    for file in folder.rglob("*"):
        if file.is_file():
            server.files[f"/r.git/{file.relative_to(folder)}"] = file.read_bytes()
    server.password = "ada:p@ss"
    url = server.url("r.git", "ada:${PASS}@")
    vcs = {"type": "git", "url": url, "commit-id": commit}
    named = {**environ, "PASS": "p%40ss"}
    made = vendor(lock({"name": "mine", "vcs": vcs}), store, named, Work()).lock
    assert vendored_file(store, made.packages[0][SNAPSHOT_KEY].partition(":")[2])


def test_what_git_says_is_told_without_credentials(
    store: BlobStore, environ: dict[str, str]
) -> None:
    url = "http://${WHO}@127.0.0.1:1/r.git"
    vcs = {"type": "git", "url": url, "commit-id": "0" * 40}
    with pytest.raises(EnvironmentFailed, match="Can't mirror mine from") as caught:
        vendor(lock({"name": "mine", "vcs": vcs}), store, {**environ, "WHO": "s3cret"}, Work())
    assert "s3cret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
