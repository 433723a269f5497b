"""Odd names and places: unicode, surrogates, no HOME, deep folders, few files, few processes."""

import os
import resource
import subprocess
import sys

import pytest
from support.flows import CORPUS, one_step
from support.runs import failed_with, no_traceback_of_ours

NAMES = {
    "spaces": "my flows",
    "unicode": "مجرى ☃ é",
    "newline": "two\nlines",
    "quotes": 'it\'s "so" $HOME `x` {y} %s',
    "dash": "-rf",
    "not utf-8": os.fsdecode(b"bad\xff\xfename"),
}


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize("name", list(NAMES))
def test_odd_folders(name: str, isolation: str, make_place) -> None:
    place = make_place(one_step("print('x')\nself.x = 1"), folder=NAMES[name])
    done = place.run("run", "--isolation", isolation)
    no_traceback_of_ours(done.said)
    assert done.status == 0, done.said
    assert place.last_run().state == "succeeded"
    assert place.run("resume").status == 0
    assert place.tool("runs").status == 0


def test_surrogates_in_values_labels_and_errors(make_place) -> None:
    place = make_place("""
        from falaj import FlowSpec, Parameter, catch, step

        class Odd(FlowSpec):
            text = Parameter("text", default="none")

            @step
            def start(self):
                self.items = ["\\udcff lone", "é\\n☃", "\\0"]
                self.next(self.body, foreach="items")

            @catch(var="caught")
            @step
            def body(self):
                self.kept = {self.input: self.text}
                print("printed", self.input)
                raise ValueError("about " + self.input)
                self.next(self.join)

            @step
            def join(self, inputs):
                self.kept = [one.kept for one in inputs]
                self.errors = [one.caught.exception for one in inputs]
                self.next(self.end)

            @step
            def end(self):
                assert list(self.kept[0]) == ["\\udcff lone"]
                assert "about" in self.errors[0]

        if __name__ == "__main__":
            Odd()
    """)
    odd = os.fsdecode(b"p\xff \xc3\xa9")
    done = place.run("run", "--text", odd, "--tag", "é ☃")
    no_traceback_of_ours(done.said)
    assert done.status == 0, done.said
    assert place.last_run().state == "tolerated"
    assert place.run("resume").status == 0


def test_a_tag_that_is_not_text(make_place) -> None:
    place = make_place(one_step("pass"))
    done = place.run("run", "--tag", os.fsdecode(b"t\xff"))
    no_traceback_of_ours(done.said)
    assert done.status in (0, 1, 2)
    assert "Traceback" not in done.said


def test_a_parameter_of_2_mb(make_place) -> None:
    place = make_place("""
        from falaj import FlowSpec, IncludeFile, JSONType, Parameter, step

        class Big(FlowSpec):
            made = Parameter("made", default=lambda context: "m" * 2_000_000)
            given = Parameter("given", type=JSONType, default=[])
            file = IncludeFile("file", default="big.txt")

            @step
            def start(self):
                self.sizes = [len(self.made), len(self.given), len(self.file)]
                self.next(self.end)

            @step
            def end(self):
                assert self.sizes == [2_000_000, 25_000, 2_000_000], self.sizes

        if __name__ == "__main__":
            Big()
    """)
    (place.folder / "big.txt").write_text("é" * 2_000_000, encoding="utf-8")
    # Linux takes at most 128 KB in one argument.
    done = place.run("run", "--given", "[" + ",".join(["1234"] * 25_000) + "]", "--file", "big.txt")
    assert done.status == 0, done.said[-2000:]
    assert place.run("resume").status == 0


def test_without_home_and_user(make_place) -> None:
    place = make_place(one_step("pass"))
    none = dict.fromkeys(
        ("HOME", "USER", "LOGNAME", "USERNAME", "SUDO_USER", "TMPDIR", "PATH", "LANG")
    )
    done = place.run("run", **none)
    assert done.status == 0, done.said
    assert place.last_run().user


def test_the_home_is_found_upwards(make_place) -> None:
    place = make_place(one_step("pass"), folder="project/deep/er")
    place.home = place.folder.parents[1] / ".falaj"
    place.home.mkdir()
    done = place.run("run", FALAJ_HOME=None)
    assert done.status == 0, done.said
    assert place.last_run().state == "succeeded"


def test_a_relative_home_stays_where_it_was_meant(make_place) -> None:
    place = make_place(
        one_step("""
        os.chdir("/tmp")
        from falaj import Run
        self.seen = Run(current.flow_name + "/" + current.run_id).id
    """)
    )
    place.home = place.folder / "sub" / "home"
    (place.folder / "sub").mkdir()
    done = place.run("run", FALAJ_HOME="sub/home")
    assert done.status == 0, done.said
    assert place.last_run().state == "succeeded"


def test_a_very_deep_folder(make_place) -> None:
    place = make_place(one_step("self.x = 'y' * 50000"), folder="/".join(["d" * 100] * 20))
    # SQLite opens no file whose path is longer than 512 bytes.
    failed_with(place.run("run"), "home", "FALAJ_HOME")
    place.home = place.folder.parents[16] / "home"
    done = place.run("run")
    assert done.status == 0, done.said
    assert place.tasks(1)["end", ()].state == "succeeded"


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_few_open_files(isolation: str, make_place) -> None:
    source = CORPUS["wide"].replace("self.square =", "import time; time.sleep(0.2); self.square =")
    place = make_place(source)
    program = ["bash", "-c", 'ulimit -n 64; exec "$0" "$@"', sys.executable, str(place.flow)]
    done = place.run(
        "run", "--isolation", isolation, "--max-workers", "50", options={"program": program}
    )
    no_traceback_of_ours(done.said)
    place.no_process_left()
    if done.status:
        failed_with(done, "open files")
        assert place.last_run().state in ("failed", "lost")
        assert place.run("resume").status == 0
    assert place.last_run().state == "succeeded"


def test_no_process_can_be_started(make_place) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root, to run as another user with a limit")
    nested = "import os, sys; os.execv(sys.executable, [sys.executable, '-c', '1'])"
    command = ["setpriv", "--reuid=64123", "--clear-groups", sys.executable, "-c", nested]
    seen = subprocess.run(command, capture_output=True)
    if seen.returncode:
        pytest.skip("another user can't start this interpreter")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NPROC, (4, 4))

    # pytest's folders are closed to others.
    import tempfile
    from pathlib import Path

    from support.runs import Place

    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.chmod(0o777)
    place = Place(folder, CORPUS["wide"])
    program = ["setpriv", "--reuid=64123", "--clear-groups", sys.executable, str(place.flow)]
    done = place.run(
        "run", "--max-workers", "50", options={"program": program, "preexec_fn": limit}
    )
    failed_with(done, "can't fork")


def test_fork_fails_by_injection(make_place) -> None:
    head = """
        real, made = os.fork, []
        def fork():
            made.append(1)
            if len(made) == 4 and "CHAOS_FORK" in os.environ:
                raise BlockingIOError(11, "Resource temporarily unavailable")
            return real()
        os.fork = fork
    """
    place = make_place(one_step("pass", head))
    done = place.run("run", CHAOS_FORK="1")
    failed_with(done, "can't fork: Resource temporarily unavailable")
    assert place.last_run().state == "failed"
    again = place.run("resume")
    assert again.status == 0, again.said
    assert place.tasks(2)["start", ()].state == "reused"
