"""Requirements of decorators, resolved by real uv for real interpreters."""

import hashlib
import json
from pathlib import Path

import pytest

from falaj_control.environments.fitting import file_name
from falaj_control.environments.platforms import local_platform
from falaj_control.environments.values import EnvironmentFailed, Lock

MAC = "aarch64-apple-darwin"


def explained(machine, *requirements, platform="", variables=None, **rest) -> str:
    with pytest.raises(EnvironmentFailed) as failed:
        machine.ask(machine.request(*requirements, **rest), platform, **(variables or {}))
    return str(failed.value)


def files(lock: Lock, name: str) -> list[str]:
    package = next(one for one in lock.packages if one["name"] == name)
    return [file_name(one) for one in package["wheels"]]


def test_a_lock_says_version_and_hash_of_every_package(machine, versions) -> None:
    request = machine.request("python-dateutil==2.8.2", "six==1.16.0")
    lock = machine.ask(request)
    assert versions(lock) == {"python-dateutil": "2.8.2", "six": "1.16.0"}
    assert [one["name"] for one in lock.packages] == ["python-dateutil", "six"]
    for package in lock.packages:
        assert all(len(one["hashes"]["sha256"]) == 64 for one in package["wheels"])
    assert lock.request == request.digest
    assert (lock.kind, lock.python, lock.platform) == ("pypi", "3.11", local_platform())
    assert lock.asked == ("python-dateutil==2.8.2", "six==1.16.0")
    # Plain values, which come back the same from JSON.
    assert Lock.from_data(json.loads(json.dumps(lock.to_data()))).digest == lock.digest


def test_nothing_asked_for_is_a_lock_without_packages_and_without_uv(machine) -> None:
    assert machine.ask(machine.request()).packages == ()
    assert machine.work.commands == []


def test_pandas_0_24_2_resolves_on_python_3_7(machine, versions) -> None:
    found = versions(machine.ask(machine.request("pandas==0.24.2", python="3.7")))
    assert found["pandas"] == "0.24.2"
    assert set(found) >= {"numpy", "python-dateutil", "pytz", "six"}


def test_metadata_of_a_decorator_goes_before_what_is_built_in(machine, versions) -> None:
    lock = machine.ask(
        machine.request(
            "pandas==0.24.2", python="3.7", metadata={"pandas==0.24.2": ("six==1.15.0",)}
        )
    )
    assert versions(lock) == {"pandas": "0.24.2", "six": "1.15.0"}


def test_the_persons_own_settings_of_uv_stay_in_force(machine) -> None:
    settings = machine.home / ".config" / "uv" / "uv.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("no-index = true\n")
    assert "index lookups were disabled" in explained(machine, "six")


def test_a_project_around_the_flow_does_not_decide(machine, versions) -> None:
    (machine.root / "uv.toml").write_text("no-index = true\n")
    assert "six" in versions(machine.ask(machine.request("six")))


def test_the_surroundings_of_the_caller_play_no_part(machine, versions) -> None:
    lock = machine.ask(
        machine.request("six"),
        UV_WORKING_DIR="/nowhere",
        UV_PROJECT="/nowhere",
        UV_PYTHON="2.7",
        VIRTUAL_ENV="/nowhere",
        PYTHONHOME="/nowhere",
    )
    assert "six" in versions(lock)


def test_exclude_newer_changes_the_answer(machine, versions) -> None:
    lock = machine.ask(machine.request("six", exclude_newer="2024-01-01"))
    assert versions(lock) == {"six": "1.16.0"}
    assert lock.exclude_newer == "2024-01-01"


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_day_ends_at_the_same_time_everywhere(machine, versions, zone: str) -> None:
    # six 1.17.0 came at 17:35 UTC.
    later = machine.request("six", exclude_newer="2024-12-04")
    assert versions(machine.ask(later, TZ=zone)) == {"six": "1.17.0"}
    before = machine.request("six", exclude_newer="2024-12-03")
    assert versions(machine.ask(before, TZ=zone)) == {"six": "1.16.0"}


def test_another_platform_gets_its_own_wheels(machine) -> None:
    request = machine.request("markupsafe==2.1.5")
    (wheel,) = files(machine.ask(request, MAC), "markupsafe")
    assert "macosx" in wheel
    here = machine.ask(request)
    assert not any("macosx" in one for one in files(here, "markupsafe"))
    assert here.digest != machine.ask(request, MAC).digest


def test_markers_are_those_of_the_platform(machine, versions) -> None:
    request = machine.request("six; sys_platform == 'darwin'", "tomli")
    assert set(versions(machine.ask(request))) == {"tomli"}
    assert set(versions(machine.ask(request, MAC))) == {"six", "tomli"}


def test_files_from_a_folder_go_into_the_store(machine, make_wheel, versions) -> None:
    first = make_wheel(machine.root / "my, wheels", "tinyapp", "1.0")
    second = make_wheel(machine.root / "files", "direct", "2.0")
    lock = machine.ask(
        machine.request(
            "direct @ ./files/direct-2.0-py3-none-any.whl", "tinyapp", find_links=("my, wheels",)
        )
    )
    assert versions(lock) == {"direct": "2.0", "tinyapp": "1.0"}
    tables = [lock.packages[0]["archive"], lock.packages[1]["wheels"][0]]
    for path, table in zip((second, first), tables, strict=True):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert table["hashes"] == {"sha256": digest}
        assert table["name"] == path.name
        assert table["path"] == str(path.relative_to(machine.root))
        assert machine.store.read(f"sha256:{digest}") == path.read_bytes()
    assert str(machine.root) not in json.dumps(lock.to_data())


def test_a_folder_of_wheels_that_is_not_there(machine) -> None:
    said = explained(machine, "six", find_links=("gone",))
    assert str(machine.root / "gone") in said


def test_a_package_from_git_is_its_commit(machine, make_library, commit) -> None:
    digest = commit(make_library(machine.root / "repository", "gitlib"))
    url = f"file://{machine.root}/repository"
    (package,) = machine.ask(machine.request(f"gitlib @ git+{url}")).packages
    assert package["vcs"] == {"type": "git", "url": url, "commit-id": digest}


def test_a_conflict_is_explained(machine) -> None:
    said = explained(machine, "python-dateutil==2.8.2", "six==1.4.0")
    assert "no versions that satisfy all that is asked for" in said
    assert "python-dateutil==2.8.2 depends on six>=1.5" in said
    assert "error:" not in said
    assert "Resolving the packages for Python 3.11" in said


def test_an_unknown_package(machine) -> None:
    said = explained(machine, "falaj-has-no-such-package")
    assert "does not exist where uv looks" in said
    assert "falaj-has-no-such-package was not found" in said
    assert "Check its spelling" in said


def test_an_unknown_package_where_pip_knows_other_places(machine) -> None:
    (machine.home / ".pip").mkdir()
    (machine.home / ".pip" / "pip.conf").write_text("[global]\nindex-url = http://mine/simple\n")
    variables = {
        "PIP_FIND_LINKS": "/wheels",
        "PIP_CONFIG_FILE": str(machine.home / ".pip/pip.conf"),
    }
    said = explained(machine, "falaj-has-no-such-package", variables=variables)
    assert "PIP_FIND_LINKS" in said
    assert str(machine.home / ".pip/pip.conf") in said
    assert "UV_FIND_LINKS" in said


def test_no_wheel_for_that_python(machine) -> None:
    said = explained(machine, "torch==1.4.0")
    assert "no file for this Python and platform" in said
    assert "cp38" in said


def test_a_release_that_wants_another_python(machine) -> None:
    said = explained(machine, "attrs==25.1.0", python="3.7")
    assert "does not satisfy Python>=3.8" in said
    assert "Choose another Python" in said


def test_a_build_that_fails_shows_the_end_of_its_output(machine) -> None:
    folder = machine.root / "broken"
    folder.mkdir()
    (folder / "setup.py").write_text(
        "for n in range(99): print('line', n)\nraise RuntimeError('no compiler here')\n"
    )
    said = explained(machine, "broken @ ./broken")
    assert "could not be built from its source" in said
    assert "RuntimeError: no compiler here" in said
    assert "line 3\n" not in said
    assert len(said.splitlines()) < 30


def test_metadata_that_cannot_be_read_names_the_mend(machine, make_wheel) -> None:
    make_wheel(machine.root / "wheels", "oldlib", "1.0", ["pytz>=2011k"])
    asked = {"find_links": ("wheels",)}
    said = explained(machine, "oldlib", **asked)
    assert "metadata that uv can't read" in said
    assert "metadata=" in said
    lock = machine.ask(machine.request("oldlib", metadata={"oldlib==1.0": ()}, **asked))
    assert [one["name"] for one in lock.packages] == ["oldlib"]


def test_no_network(machine, tmp_path: Path) -> None:
    empty = {"UV_CACHE_DIR": str(tmp_path / "uv")}
    assert "network" in explained(machine, "six", variables={"UV_OFFLINE": "1", **empty})
    said = explained(
        machine,
        "six",
        index_url="http://127.0.0.1:9/simple",
        variables={"UV_HTTP_RETRIES": "0", **empty},
    )
    assert "127.0.0.1:9 can't be reached" in said
    assert "Check the network" in said


def test_a_date_that_is_none(machine) -> None:
    said = explained(machine, "six", exclude_newer="yesterday")
    assert "can't be understood" in said
    assert "yesterday" in said


def test_nothing_is_left_of_the_asking(machine) -> None:
    machine.ask(machine.request("six"))
    assert list(Path(machine.folders.root).iterdir()) == []
