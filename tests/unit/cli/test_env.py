"""`falaj env`: environments are built, listed, shown, entered, checked and removed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from wheels import make_wheel

VERSION = "{}.{}".format(*sys.version_info[:2])
FLOW = f"""
from falaj import FlowSpec, pypi, step

print("the flow's file is imported")

class EnvFlow(FlowSpec):
    @pypi(python="{VERSION}", packages={{"tiny": "1.0"}}, find_links=["wheels"])
    @step
    def start(self):
        self.next(self.middle)

    @pypi(python="{VERSION}", packages={{}})
    @step
    def middle(self):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    EnvFlow()
"""


class Place:
    """A folder with a flow, where `falaj` is called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        (folder / "flow.py").write_text(FLOW)
        make_wheel(folder / "wheels", "tiny", "1.0")
        left_out = ("FALAJ_", "UV_", "PIP_", "VIRTUAL_ENV")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
        self.environ = {
            **kept,
            "FALAJ_HOME": str(folder / "home"),
            "FALAJ_CACHE": str(self.cache),
            "UV_CACHE_DIR": str(folder / "uv"),
        }

    def call(self, *arguments: str, status: int = 0, **env: str) -> "subprocess.CompletedProcess":
        program = [sys.executable, "-m", "falaj_control.cli.main"]
        return self._run([*program, *arguments], status, env)

    def flow(self, *arguments: str, status: int = 0) -> "subprocess.CompletedProcess":
        return self._run([sys.executable, "flow.py", *arguments], status, {})

    def _run(self, program, status, env):
        done = subprocess.run(
            program,
            cwd=self.folder,
            env={**self.environ, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done
        assert "Traceback" not in done.stderr
        return done

    def keys(self) -> dict[int, str]:
        """Return the keys of the environments by how many packages they hold."""
        listed = json.loads(self.call("env", "list", "--json").stdout)
        return {len(one["packages"]): one["key"] for one in listed}


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def built(place):
    place.call("env", "build", "flow.py")
    return place


def test_building_makes_what_runs_then_use(place):
    done = place.call("env", "build", "flow.py")
    assert "start: installing 1 package" in done.stderr
    assert "1 package, built in" in done.stderr
    again = place.flow("env", "build")
    assert again.stderr.count("already there") == 2
    assert "installing" not in again.stderr
    run = place.flow("run", status=0)
    assert "installing" not in run.stdout + run.stderr


def test_building_named_steps_only(place):
    found = place.call("env", "build", "flow.py", "middle", "--json").stdout.splitlines()[-1]
    found = json.loads(found)
    assert found["start"] is None
    assert found["middle"]["packages"] == []
    assert list(place.keys()) == [0]
    done = place.call("env", "build", "flow.py", "end")
    assert "end: nothing to build" in done.stdout
    done = place.call("env", "build", "flow.py", "midle", status=2)
    assert "There is no step 'midle' (did you mean `middle`?)" in done.stderr


def test_building_what_cannot_be_built_says_which_step_and_why(place):
    source = FLOW.replace('"tiny": "1.0"', '"tiny": "2.0"')
    (place.folder / "flow.py").write_text(source.replace('["wheels"]', '["nowhere"]'))
    done = place.call("env", "build", "flow.py", status=1)
    assert "step start, @pypi at flow.py:7" in done.stderr
    assert "nowhere" in done.stderr
    # The other step's is built all the same.
    assert list(place.keys()) == [0]


def test_listing(built):
    done = built.call("env", "list")
    head, *rows = done.stdout.splitlines()
    assert head.split() == "KEY KIND PYTHON PACKAGES SIZE LAST USED STATE".split()
    assert sorted(row.split()[3] for row in rows) == ["0", "1"]
    assert "2 environments" in done.stderr
    assert str(built.cache) in done.stderr


def test_an_empty_cache(place):
    assert "There are no environments" in place.call("env", "list").stderr
    assert place.call("env", "check").stdout == ""
    assert "0 environments removed" in place.call("env", "gc").stderr
    done = place.call("env", "show", "abc", status=1)
    assert "There is no environment abc" in done.stderr
    assert not place.cache.exists()


def test_showing_by_key_and_by_what_ran_in_it(built):
    key = built.keys()[1]
    built.flow("run")
    for what in (key[:5], "EnvFlow/1/start"):
        done = built.call("env", "show", what)
        assert "tiny     1.0" in done.stdout
        assert key in done.stdout
        assert "asked for  tiny==1.0" in done.stdout
    shown = json.loads(built.call("env", "show", key, "--json").stdout)
    assert shown["packages"][0]["name"] == "tiny"
    done = built.call("env", "show", "EnvFlow/1/nope", status=1)
    assert "nope" in done.stderr


def test_a_shell_in_the_environment_of_a_step(place):
    code = "import sys, tiny, os; print(tiny.version, sys.prefix == os.environ['VIRTUAL_ENV'])"
    command = ("env", "shell", "flow.py", "start", "--", "python", "-c", code)
    done = place.call(*command, PYTHONPATH="/nowhere")
    assert done.stdout == "1.0 True\n"
    key = place.keys()[1]
    variables = "import os; print(os.environ.get('PYTHONPATH'), os.environ['PYTHONNOUSERSITE'])"
    done = place.call("env", "shell", key, "python", "-c", variables, PYTHONPATH="/nowhere")
    assert done.stdout == "None 1\n"


def test_a_shell_of_the_persons_own(built):
    shell = built.folder / "shell"
    shell.write_text('#!/bin/sh\necho "$VIRTUAL_ENV"\nexit 7\n')
    shell.chmod(0o755)
    key = built.keys()[1]
    done = built.call("env", "shell", key, status=7, SHELL=str(shell))
    assert done.stdout == f"{built.cache}/environments/{key}\n"
    assert f"Python {VERSION}" in done.stderr


def test_a_shell_keeps_its_environment_from_being_removed(built):
    key = built.keys()[1]
    remove = f'"{sys.executable}" -m falaj_control.cli.main env remove {key}'
    done = built.call("env", "shell", key, "--", "sh", "-c", remove, status=1)
    assert "in use" in done.stderr
    built.call("env", "remove", key)


def test_no_shell_where_there_is_nothing_to_enter(built):
    done = built.call("env", "shell", "flow.py", "end", status=1)
    assert "Step end has no environment of its own" in done.stderr
    done = built.call("env", "shell", "flow.py", status=2)
    assert "Name a step" in done.stderr
    done = built.call("env", "shell", built.keys()[0], "--", "no-such-program", status=1)
    assert "Can't start no-such-program" in done.stderr


def test_checking_names_what_is_damaged(built):
    key = built.keys()[1]
    done = built.call("env", "check")
    assert f"{key}: whole" in done.stdout
    (module,) = built.cache.rglob("tiny.py")
    module.write_text("version = '6.6'\n")
    done = built.call("env", "check", key[:6], status=1)
    assert f"{key}: damaged" in done.stdout
    assert "site-packages/tiny.py" in done.stdout
    assert f"falaj env remove {key}" in done.stderr
    built.call("env", "remove", key)
    built.call("env", "build", "flow.py")
    assert built.keys()[1] == key
    assert "damaged" not in built.call("env", "check").stdout


def test_removing_and_gc(built):
    keys = built.keys()
    assert keys[0] in built.call("env", "remove", keys[0][:7]).stdout
    assert list(built.keys()) == [1]
    lock = built.cache / f"environments/{keys[1]}.lock"
    assert "0 environments removed" in built.call("env", "gc").stderr
    os.utime(lock, (1e9, 1e9))
    assert keys[1] in built.call("env", "gc", "--dry-run").stdout
    assert list(built.keys()) == [1]
    assert keys[1] in built.call("env", "gc", "--days", "100").stdout
    assert built.keys() == {}


def test_what_is_typed_wrongly_is_put_right(place):
    assert "falaj env build flow.py" in place.call("env", "build", status=2).stderr
    assert "did you mean `env build`" in place.call("env", "bild", status=2).stderr
    assert "falaj env list" in place.flow("env", "list", status=2).stderr
    assert "gone.py" in place.call("env", "build", "gone.py", status=2).stderr
    assert "STEP" in place.call("env", "build", "--help").stdout
    done = place.call("env", "list", FALAJ_CACHE=str(place.folder / "flow.py"), status=1)
    assert "Not a directory" in done.stderr
