"""`falaj code` and `package`: the code of runs, pulled, compared, and what a run would keep."""

import os
import subprocess
import sys
import tarfile

import pytest

from falaj import Run

FLOW = """
import part

class F(FlowSpec):
    @step
    def start(self):
        self.x = part.VALUE
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.fixture
def falaj(project):
    """Return a function that types `falaj …` in the flow's folder."""

    def run(*arguments, code=0, cwd=None):
        done = subprocess.run(
            [sys.executable, "-m", "falaj_control.cli.main", *map(str, arguments)],
            cwd=cwd or project.folder,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def two_runs(project):
    """Give a project with two runs, of different code."""
    (project.folder / "part.py").write_text("VALUE = 1\n")
    project.run(FLOW)
    (project.folder / "part.py").write_text("VALUE = 2\nMORE = 3\n")
    project.run(FLOW)
    return project


def test_pull(two_runs, falaj, tmp_path):
    assert "2 files written to" in falaj("code", "pull", "F/1").stdout
    pulled = two_runs.folder / "f_1_code"
    assert (pulled / "part.py").read_text() == "VALUE = 1\n"
    assert (pulled / "flow.py").read_bytes() == two_runs.path.read_bytes()
    falaj("code", "pull", "2", tmp_path / "there")
    assert (tmp_path / "there" / "part.py").read_text() == "VALUE = 2\nMORE = 3\n"
    assert "is there already" in falaj("code", "pull", "F/1", code=1).stderr
    assert "is there already" in falaj("code", "pull", "1", "--dir", "flow.py", code=1).stderr
    assert "There is no run 9" in falaj("code", "pull", "9", code=1).stderr
    done = subprocess.run([sys.executable, "flow.py", "show"], cwd=pulled, check=False)
    assert done.returncode == 0


def test_diff_with_files_and_between_runs(two_runs, falaj):
    assert falaj("code", "diff", "2").stdout == ""
    shown = falaj("code", "diff", "F/1").stdout
    assert "--- a/part.py\n+++ b/part.py\n" in shown
    assert "-VALUE = 2\n-MORE = 3\n+VALUE = 1\n" in shown
    assert "flow.py" not in shown
    other = falaj("code", "diff-runs", "F/1", "F/2").stdout
    assert "-VALUE = 1\n+VALUE = 2\n+MORE = 3\n" in other
    assert "no difference" in falaj("code", "diff-runs", "1", "1").stderr
    assert "There is no folder" in falaj("code", "diff", "1", "nowhere", code=2).stderr


def test_a_patch_that_git_applies(two_runs, falaj, tmp_path):
    (two_runs.folder / "part.py").write_bytes(b"X = 1\nY = '\xe9'.encode()")
    falaj("code", "patch", "1", "--file", "changes.patch")
    assert (
        "is there already" in falaj("code", "patch", "1", "--file", "changes.patch", code=1).stderr
    )
    falaj("code", "patch", "1", "--file", "changes.patch", "--overwrite")
    subprocess.run(["git", "init", "-q"], cwd=two_runs.folder, check=True)
    subprocess.run(["git", "apply", "changes.patch"], cwd=two_runs.folder, check=True)
    assert (two_runs.folder / "part.py").read_text() == "VALUE = 1\n"
    (two_runs.folder / "part.py").unlink()
    falaj("code", "patch", "F/2")
    subprocess.run(["git", "apply", "f_2.patch"], cwd=two_runs.folder, check=True)
    assert (two_runs.folder / "part.py").read_text() == "VALUE = 2\nMORE = 3\n"
    assert falaj("code", "diff", "2").stdout == ""


def test_links_in_the_target_lead_nowhere(two_runs, falaj, tmp_path):
    from falaj.client.code import files_of
    from falaj.client.codefiles import CodeNotWritten, write_files

    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "part.py").write_text("not to be touched")
    target = tmp_path / "target"
    target.mkdir()
    (target / "part.py").symlink_to(outside / "part.py")
    write_files(files_of(Run("F/1").code), str(target))
    assert (outside / "part.py").read_text() == "not to be touched"
    assert (target / "part.py").read_text() == "VALUE = 1\n"
    (target / "sub").symlink_to(outside)
    with pytest.raises(CodeNotWritten, match="is a link"):
        write_files([("sub/part.py", b"x")], str(target))
    assert (outside / "part.py").read_text() == "not to be touched"


def test_files_from_outside_of_the_folder_stay_inside(project, falaj, monkeypatch):
    library = project.folder.parent / f"{project.folder.name}-library"
    library.mkdir()
    (library / "part.py").write_text("VALUE = 5\n")
    monkeypatch.setenv("PYTHONPATH", str(library))
    project.run(FLOW)
    falaj("code", "pull", "1", "pulled")
    found = {
        str(path.relative_to(project.folder / "pulled"))
        for path in (project.folder / "pulled").rglob("*.py")
    }
    assert found == {"flow.py", f"outside/1/{library.name}/part.py"}
    names = Run("F/1").code.tarball.getnames()
    assert set(names) == found
    assert falaj("code", "diff", "1").stdout == ""
    (library / "part.py").write_text("VALUE = 6\n")
    assert "+VALUE = 5" in falaj("code", "diff", "1").stdout
    assert "Not in the patch" in falaj("code", "patch", "1").stderr


def test_package(two_runs, falaj):
    info = two_runs.command("package", "info").out
    assert "files:   2" in info
    assert "script:  flow.py" in info
    listed = two_runs.command("package", "list").out.splitlines()
    assert listed == [str(two_runs.path), str(two_runs.folder / "part.py")]
    archived = two_runs.command("package", "list", "--archive").out.splitlines()
    assert archived == ["flow.py", "part.py"]
    two_runs.command("package", "save", two_runs.folder / "code.tgz")
    two_runs.command("package", "save", two_runs.folder / "again.tgz")
    with tarfile.open(two_runs.folder / "code.tgz") as archive:
        assert archive.getnames() == archived
        assert archive.extractfile("part.py").read() == b"VALUE = 2\nMORE = 3\n"
    same = [(two_runs.folder / name).read_bytes() for name in ("code.tgz", "again.tgz")]
    assert same[0] == same[1]
    # It is what a run keeps.
    assert Run("F/2").code.info["digest"] in info
    assert falaj("package", "flow.py", "list", "--archive").stdout.splitlines() == archived
    assert not list(two_runs.folder.glob("*.part"))


def test_package_of_a_flow_that_prints_or_takes_long(project):
    project.write("print('printed at import')\n" + FLOW.replace("import part", "part = None"))
    project.path.write_text("from falaj import *\n" + project.path.read_text())
    assert project.command("package", "list", "--archive").out.splitlines()[-1] == "flow.py"
    for value in ("inf", "nan", "1e300"):
        refused = project.command("package", "--timeout", value, "info", code=2)
        assert "Invalid value for '--timeout'" in refused.err
    late = project.command("package", "--timeout", "0.001", "list", code=1)
    assert "took more than 0.001 seconds" in late.err


CHANGEABLE = """
import os
import sys
from falaj import FlowSpec, step


class F(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    if {}:
        @step
        def end(self):
            pass


open("imported", "w").close()
if __name__ == "__main__":
    F()
"""


def test_package_of_a_flow_that_reads_its_command_line(project):
    project.write(CHANGEABLE.format("sys.argv[1] == 'package'"))
    assert "files:   1" in project.command("package", "info").out


def test_package_of_a_flow_that_is_another_when_it_is_imported_again(project):
    project.write(CHANGEABLE.format("not os.path.exists('imported')"))
    done = project.command("package", "info", code=1)
    assert "flow.py:6: Flow `F` has no end step" in done.err
    assert "Traceback" not in done.err


def test_packages_that_travel_are_packaged(project, monkeypatch):
    library = project.folder.parent / f"{project.folder.name}-library"
    library.mkdir()
    (library / "part.py").write_text("VALUE = 5\n")
    monkeypatch.setenv("PYTHONPATH", str(library))
    project.write(FLOW.replace("    @step\n    def start", "    @pypi\n    @step\n    def start"))
    listed = project.command("package", "list").out.splitlines()
    assert str(library / "part.py") in listed
    assert os.path.exists(listed[0])
