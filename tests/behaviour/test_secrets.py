"""Secrets: fetched by control, set for the step's code, and in nothing that a run leaves."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SECRETS = {
    "db-login": '{"user": "carol", "db-pass": "s3cr3t-of-aws", "port": 5432}',
    "plain": "s3cr3t-plain",
}
# Answers in place of AWS until its input ends.
_SERVER = """
import json, sys
import boto3
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
url = "http://{}:{}".format(*server.get_host_and_port())
keys = dict(endpoint_url=url, aws_access_key_id="x", aws_secret_access_key="x")
client = boto3.client("secretsmanager", region_name="eu-north-1", **keys)
for name, text in json.loads(sys.argv[1]).items():
    client.create_secret(Name=name, SecretString=text)
client.create_secret(Name="binary", SecretBinary=bytes([0, 255, 10, 77, 12, 200]))
print(url, client.describe_secret(SecretId="plain")["ARN"], flush=True)
sys.stdin.read()
server.stop()
"""


def everything_left(home: Path) -> bytes:
    """Return all bytes of a home."""
    return b"\0".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


@pytest.fixture
def aws(monkeypatch) -> Iterator[str]:
    """Let AWS be a server on this machine; give the ARN of the secret `plain`."""
    command = [sys.executable, "-W", "ignore", "-c", _SERVER, json.dumps(SECRETS)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        url, arn = server.stdout.readline().split()
        for name, value in {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }.items():
            monkeypatch.setenv(name, value)
        for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        yield arn
        server.stdin.close()


def test_a_step_finds_its_secrets_and_no_other_step_does(project, monkeypatch):
    monkeypatch.setenv("LAUNCH_TOKEN", "t0ken-of-launch")
    (project.folder / "db.env").write_text("DB_PASS='pa ss # word'\n")
    (project.folder / "more.json").write_text('{"api.key": "k3y-of-json"}')
    project.run(
        """
        class F(FlowSpec):
            @secrets(
                sources=[
                    {"type": "inline", "options": {"env_vars": {"INLINE": "v"}}},
                    "file.db.env",
                    {"type": "file", "id": "more.json"},
                    {
                        "type": "environment",
                        "id": "LAUNCH_TOKEN",
                        "options": {"env_var_name": "TOKEN"},
                    },
                ]
            )
            @step
            def start(self):
                import os
                import subprocess

                names = ("INLINE", "DB_PASS", "api_key", "TOKEN")
                self.lengths = [len(os.environ[name]) for name in names]
                self.child = int(subprocess.check_output(["sh", "-c", "printf ${#TOKEN}"]))
                self.next(self.end)

            @step
            def end(self):
                import os

                self.left = [name for name in ("INLINE", "TOKEN") if name in os.environ]
        """
    )
    run = project.command("show").out
    assert '"INLINE": "v"' not in run
    from falaj import Flow

    data = Flow("F").latest_run.data
    assert data.lengths == [1, 12, 11, 15]
    assert data.child == 15
    assert data.left == []


STEP = """
class F(FlowSpec):
    {decorators}
    @step
    def start(self):
        import os
        self.found = {{name: len(text) for name, text in os.environ.items() if "SEC" in name}}
        self.next(self.end)

    @step
    def end(self): pass
"""


def inline(name: str, value: str) -> str:
    options = {"env_vars": {name: value}}
    return repr({"type": "inline", "options": options})


def test_a_variable_that_is_there_is_replaced_only_if_that_is_allowed(project):
    sources = f"sources=[{inline('SEC_A', 'of-secret')}]"
    environment = "@environment(vars={'SEC_A': 'of-environment'})\n    "
    done = project.fail(STEP.format(decorators=f"{environment}@secrets({sources})"))
    assert "@secrets would set `SEC_A`" in done.err
    assert "allow_override=True" in done.err
    done = project.run(
        STEP.format(decorators=f"{environment}@secrets({sources}, allow_override=True)")
    )
    assert done.data.found == {"SEC_A": 9}
    # To set what is there already changes nothing.
    same = "@environment(vars={'SEC_A': 'of-secret'})\n    "
    assert project.run(STEP.format(decorators=f"{same}@secrets({sources})")).data.found


def test_two_secrets_never_set_one_variable(project):
    both = f"sources=[{inline('SEC_A', 'one')}, {inline('SEC_A', 'other')}], allow_override=True"
    done = project.fail(STEP.format(decorators=f"@secrets({both})"))
    assert "both set the variable SEC_A" in done.err


def test_a_failure_to_fetch_is_the_steps_own_and_can_be_caught_and_retried(project):
    decorators = (
        "@catch(var='why')\n    @retry(times=2, minutes_between_retries=0)\n    "
        "@secrets(sources=['environment.SEC_NONE'])"
    )
    done = project.run(STEP.format(decorators=decorators))
    assert done.data.why.type == "SecretError"
    assert "the variable SEC_NONE is not set" in str(done.data.why)
    assert done.run["start"].task.metadata_dict["attempt"] == "2"


def test_a_secret_that_appears_between_two_attempts_is_found(project):
    project.run(
        """
        import os

        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.left, self.right)

            @retry(times=50, seconds_between_retries=0.05)
            @secrets(sources=["file.late.env"])
            @step
            def left(self):
                self.found = len(os.environ["LATE"])
                self.next(self.join)

            @step
            def right(self):
                with open("late.env.new", "w") as file:
                    file.write("LATE=s3cr3t-late")
                os.rename("late.env.new", "late.env")
                self.next(self.join)

            @step
            def join(self, inputs):
                self.found = inputs.left.found
                self.next(self.end)

            @step
            def end(self): pass
        """
    )


@pytest.mark.parametrize(
    ("decorator", "words"),
    [
        ("@secrets(sources='environment.A')", "`sources` takes a list"),
        ("@secrets(sources=['enviroment.A'])", "did you mean `environment`"),
        ("@secrets(sources=[{'type': 'file', 'ID': 'x'}])", "a source has no `ID`"),
        ("@secrets(sources=[{'type': 'file'}])", "needs an `id`"),
        ("@secrets(sources=[5])", "a text or a dict, not a int"),
        ("@secrets(sources=[{'id': 'x', 'options': 's'}])", "`options` of a source"),
        ("@secrets(allow_override=1)", "True or False"),
        ("@secrets(role=5)", "the name of a role"),
        ("@secrets(sources=['gcp-secret-manager.x'])", "not available in this version"),
        ("@secrets(sources=['no-type'])", "FALAJ_DEFAULT_SECRETS_BACKEND_TYPE"),
    ],
)
def test_mistakes_are_told_with_their_line_before_anything_runs(project, decorator, words):
    done = project.fail(STEP.format(decorators=decorator))
    assert words in done.err
    assert f"flow.py:{project.line_of('@secrets')}" in done.err
    assert not (project.home / "logs").exists()


def test_values_are_not_given_on_the_command_line(project):
    project.write(STEP.format(decorators=""))
    spec = 'secrets:sources=[{"type": "inline", "options": {"env_vars": {"SEC_A": "s3cr3t"}}}]'
    done = project.command("run", "--with", spec, code=1)
    assert "a value can't be given on the command line" in done.err
    assert "s3cr3t" not in done.err + done.out
    done = project.command("run", "--with", spec.replace("type", "tpe"), code=1)
    assert "s3cr3t" not in done.err + done.out


def test_secrets_of_the_command_line_reach_every_step(project, monkeypatch):
    monkeypatch.setenv("SEC_A", "of-launch")
    project.write(STEP.format(decorators=""))
    option = (
        'secrets:sources=[{"type":"environment","id":"SEC_A","options":{"env_var_name":"SEC_B"}}]'
    )
    result = project.command("run", "--with", option)
    assert result.data.found == {"SEC_A": 9, "SEC_B": 9}
    # A resumed run fetches again: nothing of it was kept.
    monkeypatch.setenv("SEC_A", "of-another-launch")
    assert project.resume("start").data.found == {"SEC_A": 17, "SEC_B": 17}


def test_every_member_of_a_gang_and_every_fresh_interpreter_has_them(project):
    source = f"""
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.work, num_parallel=3)

            @secrets(sources=[{inline("SEC_A", "s3cr3t-gang")}])
            @parallel
            @step
            def work(self):
                import os
                self.size = len(os.environ["SEC_A"])
                print(os.environ["SEC_A"])
                self.next(self.join)

            @step
            def join(self, inputs):
                self.sizes = [one.size for one in inputs]
                self.next(self.end)

            @step
            def end(self): pass
        """
    for isolation in ("fork", "spawn"):
        done = project.run(source, "--isolation", isolation)
        assert done.data.sizes == [11, 11, 11]
        assert "s3cr3t" not in done.out
        # The flow's file, which has the value in it, is kept; nothing else tells it.
        kept = [*project.home.rglob("*.log"), *project.home.glob("records.db*")]
        assert b"s3cr3t" not in b"".join(path.read_bytes() for path in kept)


def test_secrets_of_aws(project, aws):
    result = project.run(
        f"""
        import os

        AWS, HERE = "aws-secrets-manager", {{"region": "eu-north-1"}}
        SOURCES = [
            {{"type": AWS, "id": "db-login", "options": HERE}},
            {{
                "type": AWS,
                "id": "{aws}",
                "options": {{"json": False, "env_var_name": "WHOLE"}},
                "role": "arn:aws:iam::123456789012:role/reader",
            }},
            {{"type": AWS, "id": "binary", "options": HERE}},
        ]

        class F(FlowSpec):
            @secrets(sources=SOURCES)
            @step
            def start(self):
                from base64 import b64decode

                self.right = [
                    os.environ["user"] == "carol",
                    os.environ["db_pass"] == "s3cr3t-" + "of-aws",
                    os.environ["port"] == "5432",
                    os.environ["WHOLE"] == "s3cr3t-" + "plain",
                    b64decode(os.environ["binary"]) == bytes([0, 255, 10, 77, 12, 200]),
                ]
                print(os.environ["db_pass"], os.environ["WHOLE"])
                self.next(self.end)

            @step
            def end(self):
                source = {{"type": "aws-secrets-manager", "id": "plain"}}
                options = {{"region": "eu-north-1", "json": False}}
                print(get_secret({{**source, "options": options}}))
        """
    )
    assert result.data.right == [True] * 5
    assert "'plain': '<redacted>'" in result.out
    assert b"s3cr3t" not in everything_left(project.home).replace(b'"s3cr3t-" + ', b"")


@pytest.mark.parametrize(
    ("id", "options", "words"),
    [
        ("none", {"region": "eu-north-1"}, "ResourceNotFoundException"),
        ("plain", {"region": "eu-north-1"}, 'options={"json": False}'),
        ("plain", {}, "NoRegionError"),
        ("plain", {"regoin": "x"}, "did you mean `region`"),
    ],
)
def test_what_aws_refuses_is_told(project, aws, id, options, words):
    source = {"type": "aws-secrets-manager", "id": id, "options": options}
    done = project.fail(STEP.format(decorators=f"@secrets(sources=[{source!r}])"))
    assert words in done.err
    assert "Traceback" not in done.err
    assert "s3cr3t" not in done.err


def test_get_secret_works_in_a_program_and_says_what_it_can_not_have(project, monkeypatch):
    monkeypatch.setenv("SEC_A", "of-program")
    code = (
        "from falaj import get_secret\n"
        "from falaj.errors import SecretError\n"
        "print(get_secret('environment.SEC_A'))\n"
        "for source in ('environment.SEC_B', 'what.x', 5):\n"
        "    try:\n"
        "        get_secret(source)\n"
        "    except SecretError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, *others = done.stdout.splitlines()
    assert first == "{'SEC_A': 'of-program'}"
    assert "the variable SEC_B is not set" in others[0]
    assert "no type of secrets 'what'" in others[1]
    assert "a text or a dict" in others[2]


def test_secrets_of_a_step_that_is_reused_are_not_fetched(project, monkeypatch):
    monkeypatch.setenv("SEC_A", "of-launch")
    source = """
        class F(FlowSpec):
            @secrets(sources=["environment.SEC_A"])
            @step
            def start(self):
                self.next(self.end)

            @step
            def end(self):
                assert FINE
        """
    project.fail(source)
    monkeypatch.delenv("SEC_A")
    project.write(source.replace("assert FINE", "pass"))
    project.resume()


def test_a_run_can_be_stopped_while_its_secrets_do_not_come(project, until):
    # Whoever reads it waits for what is never written.
    path = project.folder / "never.env"
    os.mkfifo(path)
    project.write(STEP.format(decorators="@secrets(sources=['file.never.env'])"))
    process = project.start("run")

    def writer():
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            # Nobody reads yet.
            return None

    file = until(writer)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    os.close(file)
    assert process.returncode == 130, output
