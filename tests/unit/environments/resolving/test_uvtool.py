"""Finding uv, calling it, and what wheels of its answers fit."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from falaj_control.environments.fitting import target
from falaj_control.environments.uvtool import (
    Uv,
    find_uv,
    has_system_certificates,
    uv_environ,
)
from falaj_control.environments.values import EnvironmentFailed
from falaj_control.environments.work import Cancelled, Work


def test_uv_is_found_beside_falaj_else_on_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert Path(find_uv({})).name == "uv"
    # No package of this name can be imported now.
    monkeypatch.setitem(sys.modules, "uv", None)
    program = tmp_path / "uv"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_uv({"PATH": str(tmp_path)}) == str(program)
    with pytest.raises(EnvironmentFailed, match="pip install uv"):
        find_uv({"PATH": ""})


def pretend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> dict[str, str]:
    """Put a program in uv's place, for what a real one can't be brought to do here."""
    monkeypatch.setitem(sys.modules, "uv", None)
    (tmp_path / "uv").write_text("#!/bin/sh\n" + script)
    (tmp_path / "uv").chmod(0o755)
    return {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "said").write_text(
        "error: Failed to write to the client cache\n  cause: failed to write to file `x`: "
        "No space left on device (os error 28)"
    )
    environ = pretend(monkeypatch, tmp_path, f"cat {tmp_path}/said >&2; exit 2\n")
    with pytest.raises(EnvironmentFailed, match="It failed: there is no space left") as failed:
        Uv(environ, Work()).run([], str(tmp_path), doing="It")
    assert "\n  failed to write to file `x`: No space left" in str(failed.value)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        # As versions before 0.9 write it.
        (
            "  \u00d7 No solution found when resolving dependencies:\n  ╰─▶ Because a and b.",
            ["  Because a and b."],
        ),
        (
            "error: Failed to fetch: `u`\n  Caused by: dns error",
            ["  Failed to fetch: `u`", "  dns error"],
        ),
        (
            "error: No solution found when resolving dependencies\n"
            "  cause: Because all of:\n             six==1\n         end.",
            ["  Because all of:", "    six==1", "  end."],
        ),
        (
            "error: " + "\n".join(f"line {n}" for n in range(100)),
            ["  ...", *(f"  line {n}" for n in range(80, 100))],
        ),
        ("Resolved 3 packages in 2ms\nerror: odd", ["  odd"]),
    ],
)
def test_older_and_newer_wording(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, expected: list[str]
) -> None:
    (tmp_path / "said").write_text(said)
    environ = pretend(monkeypatch, tmp_path, f"cat {tmp_path}/said >&2; exit 1\n")
    with pytest.raises(EnvironmentFailed) as failed:
        Uv(environ, Work()).run([], str(tmp_path), doing="It")
    assert [line for line in str(failed.value).splitlines() if line.startswith("  ")] == expected


def test_a_failure_that_says_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environ = pretend(monkeypatch, tmp_path, "exit 3\n")
    with pytest.raises(EnvironmentFailed, match="status 3"):
        Uv(environ, Work()).run([], str(tmp_path), doing="It")


def test_progress_is_told_without_passwords(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environ = pretend(monkeypatch, tmp_path, "echo 'Updating https://a:s3cr3t@h/x' >&2\n")
    told: list[str] = []
    Uv(environ, Work(told.append)).run([], str(tmp_path), doing="It", tell_lines=True)
    assert told == ["Updating https://****@h/x"]


def test_a_cancelled_call_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environ = pretend(monkeypatch, tmp_path, f"touch {tmp_path}/started; sleep 60\n")
    work = Work()

    def cancel() -> None:
        while not (tmp_path / "started").exists():
            time.sleep(0.01)
        work.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(Cancelled):
        Uv(environ, work).run([], str(tmp_path), doing="It")
    thread.join()


LINUX, ALPINE = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-musl"
MAC, WINDOWS = "aarch64-apple-darwin", "x86_64-pc-windows-msvc"


@pytest.mark.parametrize(
    ("tags", "python", "platform", "fits"),
    [
        ("py3-none-any", "3.7.16", LINUX, True),
        ("py2.py3-none-any", "3.11.7", WINDOWS, True),
        ("py2-none-any", "3.11.7", LINUX, False),
        ("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", "3.11.7", LINUX, True),
        ("cp37-cp37m-manylinux1_x86_64", "3.7.16", LINUX, True),
        ("cp311-cp311-manylinux_2_17_aarch64", "3.11.7", LINUX, False),
        ("cp311-cp311-manylinux_2_99_x86_64", "3.11.7", LINUX, False),
        ("cp310-cp310-manylinux_2_17_x86_64", "3.11.7", LINUX, False),
        ("cp313-cp313t-manylinux_2_17_x86_64", "3.13.0", LINUX, False),
        ("cp38-abi3-manylinux_2_17_x86_64", "3.11.7", LINUX, True),
        ("cp312-abi3-manylinux_2_17_x86_64", "3.11.7", LINUX, False),
        ("pp39-pypy39_pp73-manylinux_2_17_x86_64", "3.9.18", LINUX, False),
        ("py3-none-manylinux1_x86_64", "3.11.7", LINUX, True),
        ("cp311-cp311-musllinux_1_2_aarch64", "3.11.7", ALPINE, True),
        ("cp311-cp311-musllinux_1_2_x86_64", "3.11.7", LINUX, False),
        ("cp311-cp311-macosx_11_0_arm64", "3.11.7", MAC, True),
        ("cp311-cp311-macosx_10_9_universal2", "3.11.7", MAC, True),
        ("cp311-cp311-macosx_14_0_arm64", "3.11.7", MAC, False),
        ("cp311-cp311-macosx_10_9_x86_64", "3.11.7", MAC, False),
        ("cp311-cp311-win_amd64", "3.11.7", WINDOWS, True),
        ("cp311-cp311-win32", "3.11.7", WINDOWS, False),
    ],
)
def test_which_wheels_fit(tags: str, python: str, platform: str, fits: bool) -> None:
    assert target(python, platform).fits(f"name-1.0-{tags}.whl") is fits


def test_many_threads_find_it_at_once() -> None:
    """In a fresh process, where the standard library's own configuration is not read yet."""
    script = (
        "from concurrent.futures import ThreadPoolExecutor as Pool; from threading import Barrier\n"
        "from falaj_control.environments.uvtool import find_uv\n"
        "import sys; sys.setswitchinterval(1e-6); together = Barrier(8)\n"
        "def find(_): together.wait(); return find_uv({})\n"
        "with Pool(8) as pool: print(*set(pool.map(find, range(8))))\n"
    )
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert Path(done.stdout.strip()).name == "uv"


def test_certificates_are_those_of_the_machine_unless_the_person_says_otherwise() -> None:
    assert has_system_certificates()
    assert uv_environ({})["UV_SYSTEM_CERTS"] == "1"
    assert uv_environ({"UV_SYSTEM_CERTS": "0"})["UV_SYSTEM_CERTS"] == "0"
