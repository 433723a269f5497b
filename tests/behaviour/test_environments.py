"""Steps in environments of their own: what they see, what is kept, and what goes wrong."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import venv
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from wheels import make_wheel

TWO_VERSIONS = """
@pypi_base(packages={"tool": "1.0"}, find_links=["wheels"])
class F(FlowSpec):
    @step
    def start(self):
        import tool
        self.first = tool.version
        self.items = [1, 2, 3]
        self.next(self.work, foreach="items")

    @pypi(packages={"tool": "2.0"})
    @step
    def work(self):
        import tool
        self.second = tool.version, self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        import tool
        self.seen = [tool.version, *(one.second for one in inputs)]
        self.merge_artifacts(inputs, exclude=["second"])
        self.next(self.end)

    @pypi(disabled=True)
    @step
    def end(self):
        import pytest
"""


@pytest.fixture
def wheels(project, monkeypatch) -> Path:
    """Return a folder of wheels beside the flow, all there is; `tool` is there in 1.0 and 2.0."""
    monkeypatch.setenv("UV_NO_INDEX", "1")
    folder = project.folder / "wheels"
    make_wheel(folder, "tool", "1.0")
    make_wheel(folder, "tool", "2.0")
    return folder


def one_step(decorator: str, body: str) -> str:
    """Return a flow whose first step has a decorator and a body."""
    lines = "\n        ".join(body.strip().splitlines())
    return f"""
class F(FlowSpec):
    {decorator}
    @step
    def start(self):
        {lines}
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_each_step_has_the_version_that_it_asks_for(project, wheels):
    done = project.run(TWO_VERSIONS)
    assert done.data.first == "1.0"
    assert done.data.seen == ["1.0", ("2.0", 1), ("2.0", 2), ("2.0", 3)]


def test_the_second_run_touches_neither_index_nor_network(project, wheels):
    project.run(TWO_VERSIONS)
    wheels.rename(wheels.with_name("gone"))
    nowhere = {"UV_INDEX_URL": "http://127.0.0.1:9/simple", "UV_OFFLINE": "1", "UV_CACHE_DIR": "/x"}
    done = project.command("run", env=nowhere)
    assert done.data.seen[0] == "1.0"
    assert "Environment of" not in done.out


def test_a_step_that_asks_for_nothing_sees_only_python_falaj_and_the_flow(project):
    """The launching environment is full: of pytest, of what PYTHONPATH adds, of a user site."""
    elsewhere = project.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "leaked.py").write_text("x = 1\n")
    user_site = project.folder / "user" / "lib" / "python{}.{}".format(*sys.version_info[:2])
    (user_site / "site-packages").mkdir(parents=True)
    (user_site / "site-packages" / "leaked_too.py").write_text("x = 1\n")
    (user_site / "site-packages" / "leak.pth").write_text(f"{elsewhere}\n")
    (project.folder / "beside.py").write_text("x = 'beside'\n")
    source = one_step(
        "@pypi(packages={})",
        """
import os, pkgutil, sys, subprocess
import beside
self.beside = beside.x
ours = os.path.dirname(os.__file__)
self.modules = []
for found in pkgutil.iter_modules():
    where = getattr(found.module_finder, "path", "")
    if not where.startswith(ours) or "site-packages" in where:
        self.modules.append(found.name)
self.paths = sys.path[:]
code = "import sys; print(sys.flags.no_user_site, sys.prefix)"
self.child = subprocess.run(["python", "-c", code], capture_output=True, text=True).stdout
self.prefix = sys.prefix
""",
    )
    leaky = {"PYTHONPATH": str(elsewhere), "PYTHONUSERBASE": str(project.folder / "user")}
    done = project.run(source, env=leaky)
    data = done.run["start"].task.data
    assert set(data.modules) == {"falaj", "flow", "beside"}
    assert data.beside == "beside"
    assert not any("site-packages" in path and sys.prefix in path for path in data.paths)
    assert data.child.split() == ["1", data.prefix]
    assert data.prefix.startswith(os.environ["FALAJ_CACHE"])


def test_what_the_user_sets_by_environment_still_holds(project, wheels):
    source = one_step(
        '@environment(vars={"PYTHONPATH": "/asked/for", "MODE": "fast"})\n'
        '    @pypi(packages={"tool": "2.0"}, find_links=["wheels"])',
        """
import os, sys, tool
self.found = os.environ["MODE"], tool.version, "/asked/for" in sys.path
""",
    )
    assert project.run(source).run["start"].task.data.found == ("fast", "2.0", True)


def test_steps_on_old_and_new_pythons_exchange_artifacts(project):
    done = project.run("""
class F(FlowSpec):
    @pypi(python="3.7", packages={})
    @step
    def start(self):
        import sys
        self.versions = [sys.version_info[:2]]
        self.big = bytes(10_000_000)
        self.words = {"a": 1.5, "b": [None, ("x", {1, 2})]}
        self.next(self.newer)

    @pypi(python="3.13", packages={})
    @step
    def newer(self):
        import sys
        self.versions = [*self.versions, sys.version_info[:2]]
        self.words["newer"] = len(self.big)
        self.next(self.older)

    @pypi(python="3.7", packages={})
    @step
    def older(self):
        import sys
        self.versions = [*self.versions, sys.version_info[:2]]
        self.words["older"] = self.words["newer"]
        self.next(self.end)

    @step
    def end(self):
        pass
""")
    assert done.data.versions == [(3, 7), (3, 13), (3, 7)]
    expected = {"a": 1.5, "b": [None, ("x", {1, 2})], "newer": 10_000_000, "older": 10_000_000}
    assert done.data.words == expected


def test_a_flow_file_that_an_old_python_cannot_read_is_told(project):
    done = project.fail(
        one_step('@pypi(python="3.7", packages={})', "match 1:\n            case _: self.x = 1")
    )
    assert "SyntaxError" in done.err
    assert "flow.py" in done.err
    assert "3.7" in done.err + done.out


def test_a_python_that_is_not_there_ends_the_run_with_what_to_type(project):
    done = project.fail(one_step('@pypi(python="3.99", packages={})', "pass"))
    line = project.line_of("@pypi")
    assert f"flow.py:{line}" in done.err
    assert "no Python 3.99" in done.err
    assert "uv python install 3.99" in done.err
    assert "Traceback" not in done.err
    assert done.run.state == "failed"
    assert "3.99" in done.run.reason or "No environment" in done.run.reason


def test_a_conflict_is_explained_with_the_step_that_asked(project, wheels):
    make_wheel(wheels, "app", "1.0", requires=["tool>=2"])
    decorator = '@pypi(packages={"app": "1.0", "tool": "1.0"}, find_links=["wheels"])'
    done = project.fail(one_step(decorator, "pass"))
    assert "step start" in done.err
    assert "app" in done.err
    assert "tool" in done.err
    assert "unsatisfiable" in done.err
    assert done.run["start"].task.state == "cancelled"


def test_a_failure_of_the_last_step_does_not_wait_for_the_first(project):
    done = project.fail("""
class F(FlowSpec):
    @step
    def start(self):
        import time
        time.sleep(30)
        self.next(self.end)

    @pypi(python="3.99", packages={})
    @step
    def end(self):
        pass
""")
    assert done.run.finished_at.timestamp() - done.run.created_at.timestamp() < 20


def test_what_each_task_ran_in_is_kept(project, wheels):
    run = project.run(TWO_VERSIONS).run
    info = run["work"].task.environment_info
    assert (info["kind"], info["python"]["implementation"]) == ("pypi", "cpython")
    assert [(one["name"], one["version"]) for one in info["packages"]] == [("tool", "2.0")]
    assert all(len(one["sha256"]) == 64 for one in info["packages"])
    here = run["end"].task.environment_info
    assert here["kind"] == "local"
    assert "pytest" in {one["name"] for one in here["packages"]}


UNPINNED = one_step(
    '@pypi(packages={"tool": ""}, find_links=["wheels"])',
    "import tool\nself.version = tool.version\nif __import__('os').path.exists('broken'): 1 / 0",
)


def test_a_resumed_run_keeps_the_versions_of_its_origin(project, wheels, tmp_path):
    (project.folder / "broken").touch()
    project.fail(UNPINNED)
    (project.folder / "broken").unlink()
    make_wheel(wheels, "tool", "3.0")
    done = project.resume(env={"FALAJ_CACHE": str(tmp_path / "another-machine")})
    assert done.run["start"].task.data.version == "2.0"


def test_a_machine_keeps_its_answer_and_another_machine_asks_anew(project, wheels, tmp_path):
    assert project.run(UNPINNED).run["start"].task.data.version == "2.0"
    make_wheel(wheels, "tool", "3.0")
    assert project.run(UNPINNED).run["start"].task.data.version == "2.0"
    elsewhere = {"FALAJ_CACHE": str(tmp_path / "another-machine")}
    assert project.run(UNPINNED, env=elsewhere).run["start"].task.data.version == "3.0"


def test_the_lock_file_decides_on_every_machine(project, wheels, tmp_path):
    project.write(UNPINNED)
    project.command("lock")
    make_wheel(wheels, "tool", "3.0")
    elsewhere = {"FALAJ_CACHE": str(tmp_path / "another-machine")}
    done = project.command("run", "--locked", env=elsewhere)
    assert done.run["start"].task.data.version == "2.0"
    project.command("lock", "--upgrade")
    assert project.command("run", "--locked").run["start"].task.data.version == "3.0"


def test_a_run_that_may_not_resolve_says_what_the_lock_lacks(project, wheels):
    project.write(UNPINNED)
    done = project.command("run", "--locked", code=1)
    assert "falaj lock flow.py" in done.err
    assert "start" in done.err


def test_environment_local_runs_everything_where_the_flow_was_launched(project, wheels):
    source = one_step(
        '@pypi(python="3.7", packages={"tool": "1.0"})', "import sys\nself.prefix = sys.prefix"
    )
    project.write(source)
    done = project.command("--environment=local", "run")
    assert done.run["start"].task.data.prefix == sys.prefix


def test_environment_pypi_gives_every_step_one(project):
    project.write(one_step("", "import sys\nself.prefix = sys.prefix"))
    done = project.command("--environment=pypi", "run")
    assert done.run["start"].task.data.prefix != sys.prefix


def test_retry_catch_timeout_and_logs_work_there_as_everywhere(project, wheels):
    done = project.run("""
class F(FlowSpec):
    @retry(times=2, minutes_between_retries=0)
    @catch(var="failure")
    @pypi(packages={"tool": "1.0"}, find_links=["wheels"])
    @step
    def start(self):
        import os, tool
        print("try", current.retry_count, tool.version)
        if current.retry_count == 0:
            os.kill(os.getpid(), 9)
        raise ValueError("still bad")
        self.next(self.end)

    @timeout(seconds=30)
    @pypi(packages={"tool": "1.0"}, find_links=["wheels"])
    @step
    def end(self):
        print("the end", self.failure)
""")
    assert "still bad" in str(done.data.failure)
    assert len(done.run["start"].task.metadata_dict) > 0
    assert "the end" in done.run["end"].task.stdout
    attempts = [line for line in done.out.splitlines() if "] try " in line]
    assert len(attempts) == 3


def test_a_host_whose_imports_start_threads_is_not_forked(project, wheels):
    make_wheel(
        wheels,
        "threaded",
        "1.0",
        source="import threading, time\n"
        "threading.Thread(target=time.sleep, args=(30,), daemon=True, name='busy').start()\n",
    )
    done = project.run("""
import sys
from falaj import *
try:
    import threaded
except ImportError:
    threaded = None

class F(FlowSpec):
    @pypi(packages={"threaded": "1.0"}, find_links=["wheels"])
    @step
    def start(self):
        import threading
        self.threads = [thread.name for thread in threading.enumerate()]
        self.items = [1, 2]
        self.next(self.work, foreach="items")

    @pypi(packages={"threaded": "1.0"}, find_links=["wheels"])
    @step
    def work(self):
        import threading
        self.threads = [thread.name for thread in threading.enumerate()]
        self.next(self.join)

    @step
    def join(self, inputs):
        self.threads = [one.threads for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
""")
    # In a fork the thread would be gone; each of these imported the flow for itself.
    assert done.run["start"].task.data.threads.count("busy") == 1
    assert [threads.count("busy") for threads in done.data.threads] == [1, 1]


@pytest.fixture(scope="module")
def editable_python(tmp_path_factory) -> tuple[Path, Path]:
    """Return a Python that has Falaj, and `mylib` installed editable, and the folder of that.

    The folder is put on the path by a .pth file, as editable installs do.
    """
    folder = tmp_path_factory.mktemp("editable")
    library = folder / "mylib-project" / "src" / "mylib"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("from mylib.part import answer\n")
    (library / "part.py").write_text("answer = 42\n")
    venv.create(folder / "env", with_pip=False, symlinks=True)
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    import click

    import falaj

    ours = {Path(falaj.__file__).parents[1], Path(click.__file__).parents[1]}
    (site / "falaj.pth").write_text("".join(f"{path}\n" for path in ours))
    (site / "mylib.pth").write_text(f"{library.parent}\n")
    info = site / "mylib-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mylib\nVersion: 1.0\n")
    project = folder / "mylib-project"
    (info / "direct_url.json").write_text(
        json.dumps({"url": project.as_uri(), "dir_info": {"editable": True}})
    )
    return folder / "env" / "bin" / "python", library


def test_an_editable_package_travels_as_it_is(project, editable_python):
    python, library = editable_python
    project.write(one_step("@pypi(packages={})", "import mylib\nself.found = mylib.answer"))
    done = subprocess.run(
        [python, project.path, "run"], cwd=project.folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mylib is installed editable" in done.stdout
    from falaj import Flow

    run = Flow("F").latest_run
    assert run["start"].task.data.found == 42
    assert any(name.endswith("mylib/part.py") for name in run.code.files)
    assert library.joinpath("part.py").read_text() == "answer = 42\n"


def test_a_package_that_is_named_travels(project, wheels):
    folder = project.folder / "elsewhere" / "helpers"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("value = 'helped'\n")
    project.write(one_step("@pypi(packages={})", "import helpers\nself.found = helpers.value"))
    path = {"PYTHONPATH": str(folder.parent)}
    project.command("run", env=path, code=1)
    done = project.command("run", "--include", "helpers", env=path)
    assert done.run["start"].task.data.found == "helped"
    refused = project.command("run", "--include", "nonesuch", env=path, code=1)
    assert "nonesuch" in refused.err


def test_stopping_a_run_stops_what_builds_its_environments(project, until):
    project.write(one_step('@pypi(packages={"slow": "@ ./slow"})', "pass"))
    slow = project.folder / "slow"
    slow.mkdir()
    marker = project.folder / "building"
    (slow / "setup.py").write_text(
        f"import os, time\nopen({str(marker)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    )
    process = project.start("run")
    pid = int(until(lambda: marker.exists() and marker.read_text()))
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130, out
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_packages_that_are_mirrored_need_no_index_on_another_machine(project, wheels, tmp_path):
    project.write(UNPINNED)
    project.command("lock", "--vendor")
    wheels.rename(wheels.with_name("gone"))
    elsewhere = {"FALAJ_CACHE": str(tmp_path / "other"), "UV_CACHE_DIR": str(tmp_path / "uv")}
    done = project.command("run", "--locked", env=elsewhere)
    assert done.run["start"].task.data.version == "2.0"


PROJECT_FILES = {
    "requirements.txt": ("tool==1.0\n", '@uv(requirements="requirements.txt", FROM)'),
    "pyproject.toml": (
        '[project]\nname = "ours"\nversion = "1"\ndependencies = []\n'
        '[project.optional-dependencies]\nold = ["tool==1.0"]\n',
        '@uv(pyproject="pyproject.toml", extras=["old"], FROM)',
    ),
}


@pytest.mark.parametrize("name", PROJECT_FILES)
def test_a_file_says_what_a_step_needs(project, wheels, name):
    text, decorator = PROJECT_FILES[name]
    (project.folder / name).write_text(text)
    source = one_step(
        decorator.replace("FROM", 'find_links=["wheels"]'),
        "import tool\nself.version = tool.version",
    )
    done = project.run(source)
    assert done.run["start"].task.data.version == "1.0"
    assert done.run["start"].task.environment_info["kind"] == "uv"
    (project.folder / name).write_text(text.replace("1.0", "2.0"))
    assert project.run(source).run["start"].task.data.version == "2.0"


def test_the_header_of_the_flow_file_says_what_its_steps_need(project, wheels):
    source = one_step('@uv(find_links=["wheels"])', "import tool\nself.version = tool.version")
    header = '# /// script\n# requires-python = ">=3.8"\n# dependencies = ["tool<2"]\n# ///\n'
    text = f"{header}from falaj import *\n{source}\nif __name__ == '__main__':\n    F()\n"
    assert project.run(text).run["start"].task.data.version == "1.0"


def test_a_secret_of_an_index_is_nowhere_to_be_found(project, tmp_path, monkeypatch):
    folder = tmp_path / "served"
    make_wheel(folder / "tool", "tool", "1.0")
    secret = "correct-horse-battery"
    expected = "Basic " + base64.b64encode(f"ada:{secret}".encode()).decode()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, directory=str(folder), **options)

        def do_GET(self):
            if self.headers.get("Authorization") != expected:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="ours"')
                self.end_headers()
                return
            super().do_GET()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        index = f"http://ada:${{TOKEN}}@127.0.0.1:{server.server_port}/"
        source = one_step(
            f'@pypi(packages={{"tool": "1.0"}}, index_url="{index}")',
            "import tool\nself.version = tool.version",
        )
        monkeypatch.setenv("FALAJ_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
        refused = project.fail(source, env={"TOKEN": "wrong"})
        assert "127.0.0.1" in refused.err
        unset = project.fail(source)
        assert "TOKEN" in unset.err
        done = project.run(source, env={"TOKEN": secret})
        assert done.run["start"].task.data.version == "1.0"
        project.command("lock", env={"TOKEN": secret})
    finally:
        server.shutdown()
        server.server_close()
    assert secret not in done.out + done.err
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert (project.folder / "flow.lock.toml") in kept
    assert not [path for path in kept if secret.encode() in path.read_bytes()]


TELLING = (
    "import os, sys\npid = os.getpid()\nprint('to stdout')\nprint('to stderr', file=sys.stderr)\n"
)


def test_what_a_step_imports_first_is_imported_once_for_all_of_its_tasks(project, wheels):
    make_wheel(wheels, "early", "1.0", source=TELLING)
    make_wheel(wheels, "late", "1.0", source=TELLING)
    done = project.run("""
@pypi_base(packages={"early": "1.0", "late": "1.0"}, find_links=["wheels"])
class F(FlowSpec):
    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        "Import one package before anything else, and one after it."
        import early
        import os
        os.environ["LATE_READS_THIS"] = "1"
        import late
        self.pids = os.getpid(), early.pid, late.pid
        self.next(self.join)

    @step
    def join(self, inputs):
        self.pids = [one.pids for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
""")
    (own, early, late), (other, early_again, late_again) = done.data.pids
    assert early == early_again
    assert early not in (own, other)
    assert (late, late_again) == (own, other)
    for task in done.run["work"]:
        assert task.stdout == "to stdout\n" * 2
        assert task.stderr == "to stderr\n" * 2
    assert done.run["start"].task.stdout == ""


def test_an_import_that_fails_is_told_by_the_task(project, wheels):
    make_wheel(wheels, "broken", "1.0", source="raise RuntimeError('broken on purpose')\n")
    done = project.fail(
        one_step('@pypi(packages={"broken": "1.0"}, find_links=["wheels"])', "import broken")
    )
    assert "broken on purpose" in done.err
    assert f"line {project.line_of('import broken')}, in start" in done.err
