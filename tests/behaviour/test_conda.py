"""Flows with @conda steps, against a channel that the tests make: no network at all."""

import shutil
from pathlib import Path

import pytest
from conda_channel import PYTHON, CondaChannel, make_python
from wheels import make_wheel

TWO_VERSIONS = """
@conda_base(packages={"tinyapp": "1.0"}, channels=["./channel"])
class F(FlowSpec):
    @step
    def start(self):
        import sys, tinyapp
        self.first = tinyapp.VERSION
        self.python = "{}.{}.{}".format(*sys.version_info[:3])
        self.prefix = sys.prefix
        self.next(self.newer)

    @conda(packages={"tinyapp": "2.0"})
    @step
    def newer(self):
        import tinyapp
        self.second = tinyapp.VERSION
        self.next(self.end)

    @conda(disabled=True)
    @step
    def end(self):
        pass
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_python(tmp_path_factory.mktemp("python"))


@pytest.fixture
def channel(project, packed, tmp_path, monkeypatch):
    """Return a channel beside the flow: this Python, and tinyapp 1.0 and 2.0.

    The cache is this test's own; it holds a Python, so it goes with the test.
    """
    monkeypatch.setenv("FALAJ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    made = CondaChannel(project.folder / "channel")
    made.add_python(packed)
    made.add_module("tinyapp", "1.0")
    made.add_module("tinyapp", "2.0")
    yield made.index()
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)


def test_steps_have_the_versions_and_the_python_of_the_channel(project, channel):
    done = project.run(TWO_VERSIONS)
    assert (done.data.first, done.data.second) == ("1.0", "2.0")
    assert done.data.python == PYTHON
    assert "cache" in Path(done.data.prefix).parts
    info = done.run["newer"].task.environment_info
    assert info["kind"] == "conda"
    versions = {one["name"]: one["version"] for one in info["packages"]}
    assert versions == {"python": PYTHON, "tinyapp": "2.0"}


def test_a_warm_run_needs_no_channel(project, channel):
    project.run(TWO_VERSIONS)
    channel.folder.rename(channel.folder.with_name("gone"))
    done = project.command("run")
    assert (done.data.first, done.data.second) == ("1.0", "2.0")
    assert "Environment of" not in done.out


def test_the_lock_file_keeps_the_version(project, channel):
    flow = TWO_VERSIONS.replace('{"tinyapp": "1.0"}', '{"tinyapp": "<3"}')
    project.write(flow)
    project.command("lock")
    channel.add_module("tinyapp", "2.5")
    channel.index()
    assert project.command("run", "--locked").data.first == "2.0"
    project.command("lock", "--upgrade")
    assert project.command("run", "--locked").data.first == "2.5"


def test_what_no_channel_has_is_told_with_the_step(project, channel):
    done = project.fail(TWO_VERSIONS.replace('"2.0"', '"9.9"'))
    assert "step newer" in done.err
    assert "tinyapp" in done.err
    assert "9.9" in done.err
    assert "Traceback" not in done.err


def test_packages_of_pypi_go_inside(project, channel):
    make_wheel(project.folder / "wheels", "tool", "1.0")
    done = project.run("""
class F(FlowSpec):
    @conda(packages={"tinyapp": "2.0"}, channels=["./channel"])
    @pypi(packages={"tool": "1.0"}, find_links=["wheels"])
    @step
    def start(self):
        import tinyapp, tool
        self.versions = tinyapp.VERSION, tool.version
        self.next(self.end)

    @step
    def end(self):
        pass
""")
    assert done.data.versions == ("2.0", "1.0")
    names = {one["name"] for one in done.run["start"].task.environment_info["packages"]}
    assert names == {"python", "tinyapp", "tool"}


def test_an_environment_file_says_what_a_step_needs(project, channel):
    (project.folder / "environment.yml").write_text(
        "name: ours\nchannels:\n  - ./channel\ndependencies:\n  - tinyapp=1.0\n"
    )
    done = project.run("""
class F(FlowSpec):
    @conda(environment_yml="environment.yml")
    @step
    def start(self):
        import tinyapp
        self.version = tinyapp.VERSION
        self.next(self.end)

    @step
    def end(self):
        pass
""")
    assert done.data.version == "1.0"
