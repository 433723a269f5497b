"""Names of platforms."""

import subprocess

import pytest
import uv

from falaj_control.environments.platforms import (
    check_platform,
    conda_subdir,
    known_platforms,
    local_platform,
)
from falaj_control.environments.values import EnvironmentFailed


def test_this_machine_is_a_known_platform_with_conda_packages() -> None:
    assert local_platform() in known_platforms()
    assert conda_subdir(local_platform()).partition("-")[0] in ("linux", "osx")


def test_uv_takes_every_name() -> None:
    answer = subprocess.run(
        [uv.find_uv_bin(), "pip", "compile", "--python-platform", "nonsense", "-"],
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    named = {word.strip("],") for word in answer.stderr.split()}
    assert {*known_platforms(), "linux", "macos", "windows"} <= named


@pytest.mark.parametrize("name", known_platforms())
def test_a_full_name_is_taken_as_it_is(name: str) -> None:
    assert check_platform(name) == name


@pytest.mark.parametrize(
    ("name", "meant"),
    [("macos", "aarch64-apple-darwin"), ("linux", "x86_64-unknown-linux-gnu")],
)
def test_a_short_name_stands_for_a_full_one(name: str, meant: str) -> None:
    assert check_platform(name) == meant


def test_another_name_is_refused_with_what_may_be_meant() -> None:
    with pytest.raises(EnvironmentFailed) as caught:
        check_platform("x86_64-linux-gnu")
    assert "did you mean `x86_64-unknown-linux-gnu`?" in str(caught.value)
    with pytest.raises(EnvironmentFailed, match="Known are: x86_64-unknown-linux-gnu"):
        check_platform("amiga")


def test_conda_names_what_it_has_and_says_what_it_has_not() -> None:
    assert conda_subdir("aarch64-apple-darwin") == "osx-arm64"
    assert conda_subdir("x86_64-unknown-linux-gnu") == "linux-64"
    with pytest.raises(EnvironmentFailed, match="no packages for x86_64-unknown-linux-musl"):
        conda_subdir("x86_64-unknown-linux-musl")
