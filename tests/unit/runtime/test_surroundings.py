"""What the launching environment is described as: this Python and what is installed on its path."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from falaj.runtime.surroundings import describe_surroundings


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is all of the path."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), str(tmp_path / "absent"), "x.zip"])
    return folder


def packages() -> "list[dict[str, str]]":
    return describe_surroundings()["packages"]


def test_this_interpreter_is_told_as_it_is() -> None:
    found = describe_surroundings()
    answer = subprocess.run([sys.executable, "-V"], capture_output=True, text=True, check=True)
    assert f"Python {found['python']['version']}" == answer.stdout.strip()
    assert found["python"]["executable"] == sys.executable
    assert found["kind"] == "local"
    assert found["platform"].startswith(os.uname().machine.replace("arm64", "aarch64") + "-")
    assert json.loads(json.dumps(found)) == found


def test_packages_are_told_by_their_folders(site: Path) -> None:
    for name in ("b_lib-2.0.dist-info", "A.Lib-1.0rc1-py3.7.egg-info", "~ip-1.0.dist-info", "c"):
        (site / name).mkdir()
    (site / "plain-0.1.egg-info").write_text("")
    assert packages() == [
        {"name": "a-lib", "version": "1.0rc1"},
        {"name": "b-lib", "version": "2.0"},
        {"name": "plain", "version": "0.1"},
    ]


def test_of_two_the_first_on_the_path_counts(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = site.parent / "later"
    (later / "lib-2.0.dist-info").mkdir(parents=True)
    (site / "lib-1.0.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(site), str(later)])
    assert packages() == [{"name": "lib", "version": "1.0"}]
    monkeypatch.setattr(sys, "path", [str(later), str(site)])
    assert packages() == [{"name": "lib", "version": "2.0"}]


ORIGINS = {
    '{"url": "file:///home/ada/my%20lib", "dir_info": {"editable": true}}': "/home/ada/my lib",
    '{"url": "file:///home/ada/lib", "dir_info": {}}': None,
    '{"url": "https://u:secret@host/lib.git", "vcs_info": {"vcs": "git"}}': None,
    '{"dir_info": {"editable": true}}': None,
    "[]": None,
    "{": None,
}


@pytest.mark.parametrize("told", ORIGINS)
def test_an_editable_package_tells_where_it_lies(site: Path, told: str) -> None:
    info = site / "lib-1.0.dist-info"
    info.mkdir()
    (info / "direct_url.json").write_text(told)
    where = ORIGINS[told]
    source = {} if where is None else {"source": f"editable: {where}"}
    assert packages() == [{"name": "lib", "version": "1.0", **source}]


def test_a_project_of_the_old_manner_is_editable_where_its_metadata_lies(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = site.parent / "project"
    (project / "old.egg-info").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(site), str(project)])
    assert packages() == []
    (project / "old.egg-info" / "PKG-INFO").write_text("Metadata-Version: 1\nVersion: 3.1\n")
    assert packages() == [{"name": "old", "version": "3.1", "source": f"editable: {project}"}]
