"""Indexes, files and repositories that want credentials; these are seen nowhere."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from falaj_control.environments.access import index_variables, open_packages
from falaj_control.environments.credentials import Credentials
from falaj_control.environments.uvtool import Uv
from falaj_control.environments.values import EnvironmentFailed

PASSWORD = "s3cr3t-Pass"
VARIABLES = {"INDEX_USER": "bob", "INDEX_PASSWORD": PASSWORD}
USER = "${INDEX_USER}:${INDEX_PASSWORD}"


@pytest.fixture
def index(make_index):
    return make_index(f"bob:{PASSWORD}")


def seen_nowhere(machine, *texts: object) -> bool:
    told = json.dumps([machine.work.told, machine.work.commands, *map(str, texts)])
    return PASSWORD not in told and not any(PASSWORD.encode() in one for one in machine.written())


def installed(machine, lock, request, pythons, *variables) -> Path:
    """Install a lock's packages by uv, as an environment does, and return the folder."""
    credentials = Credentials(machine.environ)
    environ = {
        **machine.environ,
        **index_variables(request, machine.environ, credentials),
    }
    opened = open_packages(lock.packages, environ, credentials)
    import tomli_w

    folder = machine.root / "installing"
    folder.mkdir()
    data = {"lock-version": "1.0", "created-by": "falaj", "packages": opened.packages}
    (folder / "pylock.toml").write_text(tomli_w.dumps(data))
    assert PASSWORD not in (folder / "pylock.toml").read_text()
    # What resolving fetched is not at hand.
    environ["UV_CACHE_DIR"] = str(machine.root / "another-uv")
    arguments = ["pip", "sync", "--target", "here", "-p", pythons("3.11").path, "pylock.toml"]
    uv = Uv(environ, machine.work, credentials)
    uv.run(arguments, str(folder), doing="Installing", variables=opened.variables)
    return folder / "here"


@pytest.mark.parametrize("argument", ["index_url", "extra_index_urls"])
def test_an_index_with_a_password_from_a_variable(machine, index, argument: str, pythons) -> None:
    index.offer("tinyapp", "1.0")
    url = f"http://{USER}@{index.host}/simple"
    request = machine.request("tinyapp", **{argument: url if argument == "index_url" else (url,)})
    machine.environ.update(VARIABLES)
    lock = machine.ask(request)
    (package,) = lock.packages
    assert package["wheels"][0]["url"] == f"http://{index.host}/files/tinyapp-1.0-py3-none-any.whl"
    assert (installed(machine, lock, request, pythons) / "tinyapp.py").exists()
    assert seen_nowhere(machine, lock)


def test_an_index_that_refuses(machine, index) -> None:
    index.offer("tinyapp", "1.0")
    for status in (401, 403):
        index.status = status
        for user in ("", f"{USER}@"):
            request = machine.request("tinyapp", index_url=f"http://{user}{index.host}/simple")
            wrong = {"INDEX_USER": "eve", "INDEX_PASSWORD": f"{PASSWORD}-wrong"}
            with pytest.raises(EnvironmentFailed) as failed:
                machine.ask(request, **wrong)
            assert f"{index.host} refuses access" in str(failed.value)
            assert "~/.netrc" in str(failed.value)
            assert seen_nowhere(machine, failed.value)


def test_the_persons_netrc_and_named_indexes_are_used(machine, index, versions) -> None:
    index.offer("tinyapp", "1.0")
    netrc = machine.home / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login bob password {PASSWORD}\n")
    url = f"http://{index.host}/simple"
    assert versions(machine.ask(machine.request("tinyapp", index_url=url))) == {"tinyapp": "1.0"}
    netrc.unlink()
    named = {
        "UV_INDEX": f"mine={url}",
        "UV_INDEX_MINE_USERNAME": "bob",
        "UV_INDEX_MINE_PASSWORD": PASSWORD,
    }
    assert versions(machine.ask(machine.request("tinyapp"), **named)) == {"tinyapp": "1.0"}


def test_a_variable_that_is_not_set(machine) -> None:
    for where in ({"index_url": f"http://{USER}@host/"}, {"find_links": (f"http://{USER}@host/",)}):
        with pytest.raises(EnvironmentFailed, match="INDEX_USER, which is not set"):
            machine.ask(machine.request("six", **where))
    with pytest.raises(EnvironmentFailed, match="INDEX_PASSWORD, which is not set"):
        machine.ask(machine.request(f"six @ http://{USER}@host/six.whl"), INDEX_USER="bob")
    assert machine.work.commands == []


def test_a_file_with_a_password_from_a_variable(machine, index, pythons) -> None:
    path = index.offer("tinyapp", "1.0")
    request = machine.request(f"tinyapp @ http://{USER}@{index.host}{path}")
    machine.environ.update(VARIABLES)
    lock = machine.ask(request)
    assert lock.packages[0]["archive"]["url"] == f"http://{USER}@{index.host}{path}"
    assert (installed(machine, lock, request, pythons) / "tinyapp.py").exists()
    assert seen_nowhere(machine, lock)


def test_a_repository_with_a_password_from_a_variable(
    machine, index, make_library, commit, pythons, tmp_path: Path
) -> None:
    digest = commit(make_library(machine.root / "repository", "gitlib"))
    index.offer_git(machine.root / "repository", "/gitlib.git")
    # Every command line of git and its helpers is noted.
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout
    programs, noted = tmp_path / "programs", tmp_path / "noted"
    programs.mkdir()
    (programs / "git").write_text(f'#!/bin/sh\necho "$@" >> {noted}\nexec {real.strip()} "$@"\n')
    (programs / "git").chmod(0o755)
    machine.environ.update(VARIABLES, PATH=f"{programs}{os.pathsep}{machine.environ['PATH']}")
    cache = tmp_path / "uv"
    machine.environ["UV_CACHE_DIR"] = str(cache)
    request = machine.request(f"gitlib @ git+http://{USER}@{index.host}/gitlib.git")
    lock = machine.ask(request)
    assert lock.packages[0]["vcs"]["commit-id"] == digest
    assert lock.packages[0]["vcs"]["url"] == f"http://{USER}@{index.host}/gitlib.git"
    assert (installed(machine, lock, request, pythons) / "gitlib.py").exists()
    assert seen_nowhere(machine, lock)
    assert "fetch" in noted.read_text()
    assert PASSWORD not in noted.read_text()
    assert not any(
        PASSWORD.encode() in one.read_bytes() for one in cache.rglob("*") if one.is_file()
    )


def test_a_build_that_prints_a_password(machine, index) -> None:
    (machine.root / "broken").mkdir()
    (machine.root / "broken" / "setup.py").write_text(
        "import os\nraise RuntimeError('with ' + os.environ['INDEX_PASSWORD'])\n"
    )
    url = f"http://{USER}@{index.host}/simple"
    request = machine.request("broken @ ./broken", extra_index_urls=(url,))
    with pytest.raises(EnvironmentFailed, match="RuntimeError: with [*]{4}") as failed:
        machine.ask(request, **VARIABLES)
    assert seen_nowhere(machine, failed.value)


def test_places_reach_uv_as_it_separates_them(machine) -> None:
    machine.environ.update(UV_INDEX="https://mine/simple", UV_FIND_LINKS="/wheels")
    request = machine.request(
        extra_index_urls=("https://a/my simple", "https://b/"), find_links=("https://c/x,y", "")
    )
    found = index_variables(request, machine.environ, Credentials(machine.environ))
    assert found["UV_INDEX"].split() == [
        "https://a/my%20simple",
        "https://b/",
        "https://mine/simple",
    ]
    assert found["UV_FIND_LINKS"].split(",") == [
        "https://c/x%2Cy",
        machine.root.as_uri(),
        "/wheels",
    ]


def test_an_index_that_gives_no_hashes(machine, make_index) -> None:
    index = make_index()
    index.offer("tinyapp", "1.0", hashes=False)
    lock = machine.ask(machine.request("tinyapp", index_url=f"http://{index.host}/simple"))
    assert len(lock.packages[0]["wheels"][0]["hashes"]["sha256"]) == 64


def test_texts_lose_passwords_of_any_kind() -> None:
    credentials = Credentials({"TOKEN": "t0ken%21", "PLACE": "team"})
    filled = credentials.fill("https://${TOKEN}@host/${PLACE}/simple")
    assert filled == "https://t0ken%21@host/team/simple"
    assert credentials.seal(filled) == "https://${TOKEN}@host/${PLACE}/simple"
    hidden = credentials.hide(f"{filled} t0ken! ssh://git@host/x https://a:b@c/ git+ssh://u:p@h")
    assert "t0ken" not in hidden
    assert "ssh://git@host/x" in hidden
    assert "a:b" not in hidden
    assert "u:p" not in hidden
    assert credentials.seal("https://a:b@c/x") == "https://c/x"
    named = credentials.fill("https://ada:${TOKEN}@host/x.whl")
    assert credentials.seal(named) == "https://ada:${TOKEN}@host/x.whl"
    assert credentials.seal("ssh://git@host/x") == "ssh://git@host/x"
