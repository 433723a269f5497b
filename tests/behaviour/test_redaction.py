"""What a step shows of its secrets: nothing, in nothing that a run prints, keeps or records."""

import json

from falaj import Flow

SECRET = "s3cr3t-0123456789/+x"

FLOW = """
import base64
import json
import os
import sys
from urllib.parse import quote

SOURCE = "environment.SEC"


class F(FlowSpec):
    @secrets(sources=[SOURCE])
    @step
    def start(self):
        secret = os.environ["SEC"]
        print("plain", secret, "quoted", quote(secret, safe=""), json.dumps({"k": secret}))
        token = base64.b64encode(("user:" + secret).encode()).decode()
        print("Authorization: Basic", token)
        print("again", secret, file=sys.stderr)
        sys.stdout.flush()
        # Two writes of one line, and a line that a process of its own ends.
        os.write(1, ("parted " + secret[:7]).encode())
        os.write(1, (secret[7:] + " end").encode())
        os.system("printenv SEC")
        current.log_param("seen", {"deep": [secret]})
        current.log_param(secret, "name")
        self.items = [secret + str(number) for number in range(2)]
        self.next(self.work, foreach="items")

    @secrets(sources=[SOURCE])
    @catch(var="why")
    @step
    def work(self):
        secret = os.environ["SEC"]
        self.text = secret * 100
        self.short = "x" * 990 + secret
        self.data = [secret.encode(), {secret: (secret, {"a": secret})}, {secret}]
        self.raw = b"." * 55 + secret.encode()
        self.things = [Thing(secret), "n" * 190 + secret, b"n" * 190 + secret.encode()]
        raise ValueError("no entry with " + secret)
        self.next(self.join)

    @step
    def join(self, inputs):
        print("caught", inputs[0].why)
        self.next(self.end)

    @secrets(sources=[SOURCE])
    @step
    def end(self):
        secret, long = os.environ["SEC"], "y" * 50 + os.environ["SEC"] + "y" * 50
        raise KeyError(secret, long, [long], {"a": Thing(secret)}, long.encode())


class Thing:
    def __init__(self, secret):
        self.secret = secret

    def __repr__(self):
        return "Thing(" + "z" * 185 + self.secret + ")"
"""


def leaks(text: str) -> "list[str]":
    """Return the longest pieces of the secret that a text shows."""
    pieces = [SECRET[start : start + 6] for start in range(len(SECRET) - 5)]
    return [piece for piece in pieces if piece in text]


def test_no_output_record_log_or_preview_shows_a_secret(project, monkeypatch):
    monkeypatch.setenv("SEC", SECRET)
    done = project.fail(FLOW, "--show-values")
    run = Flow("F").latest_run
    assert done.out.count("<redacted>") >= 8
    assert leaks(done.out + done.err) == []
    for part in ("plain <redacted> quoted <redacted>", "parted <redacted> end<redacted>"):
        assert part in done.out
    assert "Values on that line" in done.err
    assert leaks(project.command("show", f"{run.id}", code=None).out) == []
    assert leaks(project.command("logs", f"{run.id}", code=None).out) == []
    logs = [path.read_text() for path in project.home.rglob("*.log")]
    assert leaks("".join(logs)) == []
    # The records, tables and free pages alike.
    records = b"".join(path.read_bytes() for path in project.home.glob("records.db*"))
    assert leaks(records.decode("latin-1")) == []
    assert run.logged_params == {"seen": {"deep": ["<redacted>"]}, "<redacted>": "name"}
    previews = [json.dumps(art.preview) for task in run["work"] for art in task]
    assert leaks("".join(previews)) == []
    assert sum("<redacted>" in text for text in previews) >= 10
    assert all(SECRET not in str(task["why"].data) for task in run["work"])
    # What a step keeps is the very value.
    assert run["work"].task["text"].data == SECRET * 100


def test_what_other_steps_print_of_a_secret_is_hidden_too(project, monkeypatch):
    monkeypatch.setenv("SEC", SECRET)
    done = project.run(
        """
        import os

        class F(FlowSpec):
            @secrets(sources=["environment.SEC"])
            @step
            def start(self):
                self.handed_on = os.environ["SEC"]
                self.keys = [self.handed_on * 3]
                self.next(self.work, foreach="keys")

            @catch(var="why")
            @step
            def work(self):
                print("got", self.handed_on)
                raise ValueError(self.handed_on)
                self.next(self.join)

            @step
            def join(self, inputs):
                self.next(self.end)

            @step
            def end(self): pass
        """
    )
    assert leaks(done.out) == []
    assert "got <redacted>" in done.out
    records = b"".join(path.read_bytes() for path in project.home.glob("records.db*"))
    assert leaks(records.decode("latin-1")) == []


def test_a_secret_that_a_step_asks_for_is_hidden_before_it_can_be_printed(project, monkeypatch):
    value = "long-secret-" + "é∑😀" * 2000
    monkeypatch.setenv("SEC", value)
    monkeypatch.setenv("SEC_LATE", "late-secret-42")
    done = project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                for _ in range(3):
                    print(get_secret("environment.SEC")["SEC"])
                    print(get_secret("environment.SEC_LATE")["SEC_LATE"])
                self.same = get_secret("environment.SEC")["SEC"] * 2
                self.next(self.end)

            @step
            def end(self):
                print(self.same)
        """
    )
    assert "secret-" not in done.out
    assert "é∑" not in done.out
    assert done.out.count("<redacted>") == 8
    assert "secret-" not in json.dumps(Flow("F").latest_run["start"].task["same"].preview)


def test_a_secret_is_hidden_though_control_hears_of_it_late(project, monkeypatch):
    monkeypatch.setenv("SEC", SECRET)
    done = project.run(
        """
        import os, signal

        class F(FlowSpec):
            @step
            def start(self):
                host = os.getppid()
                with open(f"/proc/{host}/task/{host}/children") as file:
                    control = min({*map(int, file.read().split())} - {os.getpid()})
                # All of this waits in the pipes until control goes on.
                os.kill(control, signal.SIGSTOP)
                try:
                    print("before", flush=True)
                    print(get_secret("environment.SEC"), flush=True)
                finally:
                    os.kill(control, signal.SIGCONT)
                self.next(self.end)

            @step
            def end(self): pass
        """
    )
    assert "before" in done.out
    assert "{'SEC': '<redacted>'}" in done.out
    assert leaks(done.out) == []


def test_exit_hooks_show_no_secret(project, monkeypatch):
    monkeypatch.setenv("SEC", SECRET)
    done = project.run(
        """
        import os

        def tell(run):
            print("hook", os.environ["SEC"])
            raise ValueError(run.data.handed_on)

        @exit_hook(on_success=[tell])
        class F(FlowSpec):
            @secrets(sources=["environment.SEC"])
            @step
            def start(self):
                self.handed_on = os.environ["SEC"]
                self.next(self.end)

            @step
            def end(self): pass
        """
    )
    assert "hook <redacted>" in done.out + done.err
    assert leaks(done.out + done.err) == []
    assert leaks("".join(path.read_text() for path in project.home.rglob("*.log"))) == []


def test_order_and_lines_are_those_of_a_run_without_secrets(project, monkeypatch):
    source = """
        import os, sys

        class F(FlowSpec):
            DECORATOR
            @step
            def start(self):
                for number in range(200):
                    print("line", number, "for", os.environ["SEC"])
                sys.stdout.write("no end of line")
                self.next(self.end)

            @step
            def end(self): pass
        """
    monkeypatch.setenv("SEC", SECRET)
    project.run(source.replace("DECORATOR", "@secrets(sources=['environment.SEC'])"))
    hidden = Flow("F").latest_run["start"].task.stdout
    project.run(source.replace("DECORATOR", ""))
    shown = Flow("F").latest_run["start"].task.stdout
    assert hidden == shown.replace(SECRET, "<redacted>")
