"""Flow files that import Metaflow run on Falaj, unchanged; Metaflow's own tutorials among them."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from falaj.compat.names import ABSENT, MODULES

# Fetched when it is needed: its tutorials are the flows, and it is the judge of their results.
PEER = "metaflow==2.19.39"
FLOW = """
import os

from metaflow import FlowSpec, Parameter, card, current, retry, step
from metaflow.cards import Markdown
from metaflow.exception import MetaflowException


class SmallFlow(FlowSpec):
    size = Parameter("size", default=2)

    @card
    @retry(times=1)
    @step
    def start(self):
        current.card.append(Markdown("# Hello"))
        self.items = list(range(self.size))
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.square = self.input**2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(part.square for part in inputs)
        try:
            self.merge_artifacts(self)
        except MetaflowException as error:
            self.caught = type(error).__module__
        self.next(self.end)

    @step
    def end(self):
        print("total", self.total, current.flow_name)
        print("told", os.environ.get("METAFLOW_RUN_ID") == current.run_id)


if __name__ == "__main__":
    SmallFlow()
"""
LEFT = """
import json
import sys

from metaflow import Flow, namespace

namespace(None)
found = {}
for name in sys.argv[1:]:
    run = Flow(name).latest_successful_run
    tasks = {step.id: len(list(step)) for step in run}
    values = {}
    for key in ("genre_stats", "playlist"):
        for step in run:
            if key in step.task:
                values[key] = step.task[key].data
    if "playlist" in values:
        values["playlist"] = sorted(map(str, values["playlist"]))
    found[name] = {"tasks": tasks, "values": values, "ok": run.successful}
print(json.dumps(found, sort_keys=True))
"""


def words(folder: Path, **variables: str) -> dict[str, object]:
    """Return what subprocess.run is told, for a command in `folder`."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("METAFLOW_", "FALAJ_METAFLOW"))
    }
    return {
        "cwd": folder,
        "env": {**kept, "FALAJ_HOME": str(folder / "home"), **variables},
        "capture_output": True,
        "encoding": "utf-8",
        "timeout": 120,
    }


def do(arguments: list[object], options: dict[str, object]) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run([*map(str, arguments)], check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.py"
    path.write_text(FLOW, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install Metaflow into a folder that nothing else sees."""
    from uv import find_uv_bin

    folder = tmp_path_factory.mktemp("peer")
    command = [find_uv_bin(), "pip", "install", "--quiet", "--target", str(folder), PEER]
    command += ["--python", sys.executable]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, f"{PEER} could not be fetched: {done.stderr}"
    return folder


def test_falaj_run_takes_the_switch_before_the_file(small):
    done = do(
        [sys.executable, "-m", "falaj_control.cli.main", "run", "--metaflow", small, "--size", 4],
        words(small.parent),
    )
    assert "total 14 SmallFlow" in done.stdout


def test_the_variable_also_works_for_python_itself(small):
    done = do([sys.executable, small, "run"], words(small.parent, FALAJ_METAFLOW="1"))
    assert "total 1 SmallFlow" in done.stdout
    assert "told True" in done.stdout


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_one_import_works_wherever_tasks_run(small, isolation):
    small.write_text("import falaj.compat.metaflow\n" + FLOW, encoding="utf-8")
    options = words(small.parent)
    done = do([sys.executable, small, "run", "--isolation", isolation], options)
    assert "total 1 SmallFlow" in done.stdout
    code = "import falaj.compat.metaflow, metaflow; r = metaflow.Flow('SmallFlow').latest_run; "
    code += "print(r.data.total, r['join'].task.data.caught)"
    done = do([sys.executable, "-c", code], options)
    assert done.stdout == "1 falaj.errors\n"


def test_without_the_switch_metaflow_is_not_touched(small, tmp_path):
    stand_in = tmp_path / "elsewhere" / "metaflow"
    stand_in.mkdir(parents=True)
    (stand_in / "__init__.py").write_text("mine = True\n", encoding="utf-8")
    options = words(small.parent, PYTHONPATH=str(stand_in.parent))
    look = "import falaj, metaflow; print(metaflow.__file__)"
    done = do([sys.executable, "-c", look], options)
    assert done.stdout.strip() == str(stand_in / "__init__.py")
    done = do(
        [sys.executable, "-c", look], {**options, "env": {**options["env"], "FALAJ_METAFLOW": "0"}}
    )
    assert done.stdout.strip() == str(stand_in / "__init__.py")
    late = "import metaflow; import falaj.compat.metaflow"
    done = subprocess.run([sys.executable, "-c", late], check=False, **options)  # type: ignore[call-overload]
    assert "Metaflow itself is imported already" in done.stderr


def test_what_falaj_has_not_says_why(tmp_path):
    for line, told in (
        ("from metaflow import S3", "Falaj has no metaflow.S3: object stores are not there yet"),
        ("from metaflow import FlowSpek", "did you mean `FlowSpec`?"),
        ("import metaflow.plugins.argo", "not handed to another scheduler"),
        ("from metaflow.plugins.kubernetes import x", "executors for clusters come later"),
    ):
        code = f"import falaj.compat.metaflow\n{line}"
        done = subprocess.run([sys.executable, "-c", code], check=False, **words(tmp_path))  # type: ignore[call-overload]
        assert "ImportError" in done.stderr
        assert told in done.stderr, done.stderr
    code = "import falaj.compat.metaflow, metaflow; print(hasattr(metaflow, 'S3'), metaflow.client)"
    assert do([sys.executable, "-c", code], words(tmp_path)).stdout.startswith("False <module")


def test_every_public_name_of_metaflow_is_there_or_absent_with_a_reason(peer, tmp_path):
    look = "import metaflow, metaflow.cards, metaflow.exception, json; print(json.dumps("
    look += "{m.__name__: [n for n in dir(m) if n[0] != '_' and n not in ('os', 'sys')] "
    look += "for m in (metaflow, metaflow.cards)} | {'metaflow.exception': [n for n, v in "
    look += "vars(metaflow.exception).items() if isinstance(v, type)]}))"
    done = do([sys.executable, "-c", look], words(tmp_path, PYTHONPATH=str(peer)))
    for module, names in json.loads(done.stdout).items():
        known = {*MODULES[module], *ABSENT, *(one.rpartition(".")[2] for one in MODULES)}
        assert not sorted({*names} - known), module


def test_metaflows_variables_are_read(small):
    done = do(
        [sys.executable, small, "run"],
        words(
            small.parent,
            FALAJ_METAFLOW="1",
            METAFLOW_RUN_SIZE="3",
            METAFLOW_USER="ada",
        ),
    )
    assert "total 5 SmallFlow" in done.stdout
    assert "user:ada" in done.stderr
    done = do(
        [sys.executable, small, "run"], words(small.parent, METAFLOW_QUIET="1", FALAJ_METAFLOW="1")
    )
    assert "total" not in done.stdout
    assert "Done!" in done.stdout


def test_the_tutorials_leave_what_they_leave_with_metaflow(peer, tmp_path):
    tutorials = peer / "metaflow" / "tutorials"
    numbers = ("00-helloworld", "01-playlist", "02-statistics", "03-playlist-redux")
    for name in numbers:
        shutil.copytree(tutorials / name, tmp_path / name)
    script = tmp_path / "left.py"
    script.write_text(textwrap.dedent(LEFT), encoding="utf-8")
    sides = {
        "falaj": words(tmp_path, FALAJ_METAFLOW="1"),
        "metaflow": words(
            tmp_path,
            PYTHONPATH=str(peer),
            METAFLOW_USER="ada",
            METAFLOW_HOME=str(tmp_path / "settings"),
            METAFLOW_DATASTORE_SYSROOT_LOCAL=str(tmp_path),
        ),
    }
    left: dict[str, object] = {}
    printed: dict[str, str] = {}
    for side, options in sides.items():
        for file in ("helloworld.py", "playlist.py", "stats.py", "playlist.py"):
            folder = numbers[len(printed) % 4]
            done = do([sys.executable, f"{folder}/{file}", "--no-pylint", "run"], options)
            printed[f"{side} {folder}"] = done.stdout
            assert file != "helloworld.py" or "Metaflow says: Hi!" in done.stdout
            if folder == "01-playlist":
                names = ["HelloFlow", "PlayListFlow"]
                left[side] = [do([sys.executable, script, *names], options).stdout]
        names = ["MovieStatsFlow", "PlayListFlow"]
        left[side] = [*left[side], do([sys.executable, script, *names], options).stdout]  # type: ignore[misc]
    ours, theirs = ([json.loads(text) for text in left[side]] for side in ("falaj", "metaflow"))  # type: ignore[attr-defined]
    assert ours == theirs
    assert ours[1]["MovieStatsFlow"]["values"]["genre_stats"]
    assert len(ours[0]["PlayListFlow"]["values"]["playlist"]) > 5
