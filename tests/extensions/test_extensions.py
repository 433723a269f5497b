"""Every kind of extension in a real flow, from a package that is really installed."""

import json
import os
import signal
import subprocess
import sys

import pytest

from falaj import Falaj, Flow, Run

PLAIN = """
class F(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass
"""
FAILING = """
class F(FlowSpec):
    @step
    def start(self):
        raise ValueError("no luck")
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def latest() -> Run:
    run = Flow("F").latest_run
    assert run is not None
    return run


def test_all_of_the_sample_is_listed_and_works(installed, with_python) -> None:
    done = with_python(installed, "-m", "falaj_control.cli.main", "extensions", "--json")
    found = json.loads(done.stdout)
    kinds = {"decorators", "cards", "secrets", "environments", "executors", "stores", "notifiers"}
    assert {one["kind"] for one in found} == kinds
    assert {(one["package"], one["version"]) for one in found} == {("falaj-sample", "1.2")}
    assert [one["problem"] for one in found if one["problem"]] == []


def test_a_decorator_by_import_by_name_and_from_outside(installed, with_python, flow) -> None:
    path = flow(
        """
        from falaj_sample.decorators import AllStamped, Stamped

        class F(FlowSpec):
            @Stamped(text="mine")
            @step
            def start(self):
                self.first = self.stamp
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    with_python(installed, path, "run", "--with", "stamped:text=outside", "--with", "patient")
    assert (latest().data.first, latest().data.stamp) == ("mine start", "outside end")
    text = path.read_text().replace("class F(", "@AllStamped\nclass F(", 1)
    path.write_text(text.replace('@Stamped(text="mine")', ""))
    with_python(installed, path, "run")
    assert (latest().data.first, latest().data.stamp) == ("all start", "all end")
    done = with_python(installed, path, "run", "--with", "stampd", code=1)
    assert "did you mean `stamped`?" in done.stderr


def test_a_card_and_a_component(installed, with_python, flow) -> None:
    path = flow(
        """
        from falaj_sample.cards import banner

        class F(FlowSpec):
            @card(type="tally")
            @card(id="blank", type="blank")
            @step
            def start(self):
                self.apples = 3
                current.card["blank"].append(banner("hello"))
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    with_python(installed, path, "run")
    get = [path, "card", "get", f"{latest().id}/start"]
    assert "apples" in with_python(installed, *get, "--type", "tally").stdout
    assert "sample banner: hello" in with_python(installed, *get, "--id", "blank").stdout


def test_a_card_of_a_broken_package_is_an_error_card(installed_badly, with_python, flow) -> None:
    path = flow(PLAIN)
    with_python(installed_badly, path, "run", "--with", "card:type=shattered")
    got = with_python(installed_badly, path, "card", "get", f"{latest().id}/start")
    assert "falaj-broken 0.3" in got.stdout
    assert "this package is in pieces" in got.stdout
    with_python(installed_badly, path, "run", "--with", "card:type=number")
    got = with_python(installed_badly, path, "card", "get", f"{latest().id}/start")
    assert "neither a class nor a function" in got.stdout


def test_a_notifier_hears_of_the_end(installed, with_python, flow, tmp_path) -> None:
    path = flow(FAILING)
    diary = tmp_path / "diary of runs.txt"
    with_python(installed, path, "run", code=1, env={"FALAJ_NOTIFY": f"'diary:{diary}'"})
    with_python(installed, path, "resume", "--notify", f"diary:{diary}", code=1)
    tasks = [run["start"].task.pathspec for run in reversed(list(Flow("F")))]
    assert diary.read_text() == "".join(f"F failed {one} ValueError: no luck\n" for one in tasks)


@pytest.mark.parametrize(
    ("target", "why"),
    [("fail", "ValueError: the diary is full"), ("hang", "it did not end within 1 seconds")],
)
def test_a_notifier_that_fails_changes_nothing(
    target, why, installed, with_python, flow, tmp_path
) -> None:
    path = flow(PLAIN)
    diary = tmp_path / "diary.txt"
    told = ["--notify", f"diary:{target}", "--notify", f"diary:{diary}"]
    done = with_python(installed, path, "run", *told, env={"FALAJ_NOTIFY_TIMEOUT": "1"})
    assert f"The notifier diary failed, which changes nothing about the run: {why}" in (
        done.stdout + done.stderr
    )
    assert latest().state == "succeeded"
    assert diary.read_text().startswith("F succeeded")


def test_the_command_notifier_is_given_the_event(with_python, flow, tmp_path) -> None:
    path = flow(FAILING)
    out = tmp_path / "event.json"
    told = ["--notify", f"command:tee '{out}'", "--tag", "mine"]
    with_python(sys.executable, path, "run", *told, code=1)
    event = json.loads(out.read_text())
    run = latest()
    assert event["failed_task"] == run["start"].task.pathspec
    assert (event["flow"], event["run"], event["state"]) == ("F", int(run.id), "failed")
    assert event["error"] == "ValueError: no luck"
    assert event["tags"] == ["mine"]
    assert event["resume_command"].endswith(f"resume --origin-run-id {run.id}")
    assert event["started_at"] <= event["ended_at"]


def test_an_executor_runs_every_task(installed, with_python, flow, home) -> None:
    path = flow(PLAIN)
    with_python(installed, path, "run", "--executor", "counting")
    assert (home / "orders.txt").read_text() == "2"
    (home / "orders.txt").unlink()
    # A resumed run goes on where the earlier one ran.
    with_python(installed, path, "resume", "end")
    assert (home / "orders.txt").read_text() == "1"
    done = with_python(installed, path, "run", "--executor", "countng", code=1)
    assert "did you mean `counting`?" in done.stderr


def test_what_is_amiss_is_told_by_package(installed_badly, with_python, flow) -> None:
    listing = ["-m", "falaj_control.cli.main", "extensions"]
    found = json.loads(with_python(installed_badly, *listing, "--json", code=1).stdout)
    told = {(one["package"], one["name"]): one["problem"] for one in found if one["problem"]}
    assert "RuntimeError: this package is in pieces" in told["falaj-broken", "shattered"]
    assert "upgrade Falaj" in told["falaj-broken", "future"]
    assert "SystemExit: 3" in told["falaj-broken", "leaving"]
    clash = told["falaj-rival", "diary"]
    assert clash == told["falaj-sample", "diary"]
    assert "falaj-rival 7 and falaj-sample 1.2" in clash
    assert "diary" in with_python(installed_badly, *listing, code=1).stderr


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("diary", "uninstall all but one"),
        ("future", "upgrade Falaj"),
        ("mute", "have no method `notify`"),
        ("leaving", "SystemExit: 3"),
    ],
)
def test_a_notifier_that_can_not_be_used(name, why, installed_badly, with_python, flow) -> None:
    done = with_python(installed_badly, flow(PLAIN), "run", "--notify", name)
    assert why in done.stdout + done.stderr


def test_a_command_that_can_not_be_read_is_refused_before_the_run(with_python, flow) -> None:
    for target, why in (("", "name the program"), (":'tell", "is no command")):
        done = with_python(
            sys.executable, flow(PLAIN), "run", "--notify", f"command{target}", code=1
        )
        assert why in done.stderr
    assert list(Falaj()) == []


MARKED = """
class F(FlowSpec):
    @custom_environment(kind="marked", options={"text": "hello"})
    @step
    def start(self):
        import marker

        self.text = marker.text
        self.next(self.end)

    @step
    def end(self):
        import importlib.util

        self.elsewhere = importlib.util.find_spec("marker") is None
"""


def test_an_environment_of_a_package(installed, with_python, flow, tmp_path) -> None:
    path = flow(MARKED)
    with_python(installed, path, "run")
    assert (latest().data.text, latest().data.elsewhere) == ("HELLO", True)
    shown = with_python(installed, path, "show", f"{latest().id}/start").stdout
    assert "sample-marker" in shown
    with_python(installed, path, "lock")
    assert '{\\"text\\": \\"HELLO\\"}' in (tmp_path / "flow.lock.toml").read_text()
    with_python(installed, path, "run", "--locked")
    assert latest().data.text == "HELLO"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('"text": "hello"', '"fail": "not today"', "ValueError: not today"),
        ('"text": "hello"', "", "KeyError: 'text'"),
        ('kind="marked"', 'kind="unmarked"', "No installed package gives 'unmarked'"),
        ('kind="marked"', 'kind="pypi"', "use @pypi for this one"),
        ('"text": "hello"', '"text": "hello", "s": {1}', "`options` takes a dict of JSON values"),
        ("    @custom", "    @pypi()\n    @custom", "can't go together with @pypi"),
    ],
)
def test_an_environment_that_can_not_be_made(
    before, after, why, installed, with_python, flow
) -> None:
    done = with_python(installed, flow(MARKED.replace(before, after)), "run", code=1)
    assert why in done.stdout + done.stderr
    assert "falaj_control" not in done.stdout + done.stderr


SECRET = """
import os

class F(FlowSpec):
    @secrets(sources=["vault.token"])
    @step
    def start(self):
        self.length = len(os.environ["VAULT_TOKEN"])
        print("it is", os.environ["VAULT_TOKEN"])
        print("by hand", len(get_secret("vault.token")["VAULT_TOKEN"]))
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_a_provider_of_secrets(installed, with_python, flow, tmp_path) -> None:
    path = flow(SECRET)
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / "token").write_text("hunter2hunter2")
    env = {"SAMPLE_VAULT": str(vault)}
    done = with_python(installed, path, "run", env=env)
    assert latest().data.length == 14
    assert "it is <redacted>" in done.stdout
    assert "by hand 14" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr + latest()["start"].task.stdout
    assert "set SAMPLE_VAULT" in with_python(installed, path, "run", code=1).stderr
    (vault / "token").unlink()
    done = with_python(installed, path, "run", env=env, code=1)
    assert "the vault has no such file" in done.stdout + done.stderr


def test_a_provider_that_nobody_gives(installed, with_python, flow) -> None:
    path = flow(SECRET.replace('vault.token"]', 'valt.token"]'))
    done = with_python(installed, path, "run", code=1)
    assert "did you mean `vault`?" in done.stdout + done.stderr


HASTY = SECRET.replace("vault.token", "hasty.token")


@pytest.mark.parametrize(
    ("source", "options", "env", "why"),
    [
        (HASTY, (), {}, "its provider failed with SystemExit"),
        (HASTY, (), {"LOCKED": "1"}, "can't be used (RuntimeError: the door is locked)"),
        (
            MARKED.replace("marked", "hasty"),
            (),
            {},
            "`resolve` of the kind of environment 'hasty' failed: SystemExit: no tool for",
        ),
        (PLAIN, ("--datastore", "hasty:"), {}, "SystemExit: no tool for uploads"),
        (PLAIN, (), {"FALAJ_EXECUTOR": "hasty"}, "can't be made: SystemExit: no tool for tasks"),
    ],
)
def test_what_leaves_or_fails_is_told_and_ends_the_run(
    source, options, env, why, installed_badly, with_python, flow
) -> None:
    done = with_python(installed_badly, flow(source), *options, "run", code=1, env=env)
    assert why in done.stdout + done.stderr
    assert "Traceback" not in done.stderr or "SecretError" in done.stderr


def test_an_executor_that_fails_in_a_run_is_named_and_the_run_can_be_resumed(
    installed_badly, with_python, flow
) -> None:
    path = flow(PLAIN)
    done = with_python(installed_badly, path, "run", "--executor", "stumbling", code=1)
    assert "'stumbling' of the package falaj-broken 0.3" in done.stderr
    assert "failed in its `start`: ValueError: no room for tasks" in done.stderr
    assert "Traceback" not in done.stderr
    assert "bug in Falaj" not in done.stderr
    with_python(installed_badly, path, "resume", "--executor", "local")
    assert latest().state == "succeeded"


def test_an_upload_that_fails_is_tried_again(installed_badly, with_python, flow) -> None:
    with_python(installed_badly, flow(PLAIN), "--datastore", "hasty:once", "run")
    assert latest().state == "succeeded"


def test_who_stops_a_run_does_not_wait_for_an_environment(installed_badly, flow, home) -> None:
    path = flow(MARKED.replace("marked", "hasty").replace('"text": "hello"', '"hang": True'))
    process = subprocess.Popen(
        [str(installed_badly), str(path), "run"],
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    assert any("Environment of start" in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(timeout=60) == 130
    finally:
        process.kill()
        process.stdout.close()
    assert latest().state == "cancelled"
