"""Each place where secrets are kept, and what it refuses; no refusal shows a value."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import falaj
from falaj.errors import SecretError
from falaj_control.secrets.dotenv import MalformedLine, parse_dotenv
from falaj_control.secrets.places import Source
from falaj_control.secrets.providers import PROVIDERS, check_names, fetch
from falaj_control.secrets.sources import source_from
from falaj_control.secrets.system_keyring import KeyringSecrets
from falaj_control.secrets.variables import EnvironmentSecrets
from falaj_control.settings import read_settings


def source(kind: str, id: str, folder: object = "", **options: object) -> Source:
    return Source(kind, id, json.dumps(options), None, str(folder))


def refused(wanted: Source) -> str:
    with pytest.raises(SecretError) as caught:
        fetch(wanted)
    return str(caught.value)


def test_variables_of_the_launching_environment():
    provider = EnvironmentSecrets({"DB_USER": "u", "DB_PASS": "p", "FALAJ_X": "1", "X": "y"})
    assert provider.fetch(source("environment", "X")) == {"X": "y"}
    assert provider.fetch(source("environment", "X", env_var_name="Z")) == {"Z": "y"}
    assert provider.fetch(source("environment", "DB_*")) == {"DB_USER": "u", "DB_PASS": "p"}
    assert "FALAJ_X" not in provider.fetch(source("environment", "*"))
    for wanted, words in (("NONE", "NONE is not set"), ("NONE_*", "begins with 'NONE_'")):
        with pytest.raises(SecretError, match=words):
            provider.fetch(source("environment", wanted))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1\nB = two words # a comment\n", {"A": "1", "B": "two words"}),
        ("# comment\n\nexport A=x#y\r\n", {"A": "x#y"}),
        ("A='as $it \\n is' # c\n", {"A": "as $it \\n is"}),
        ('A="a\\nb \\"q\\" \\x"\nB=""\nC=\n', {"A": 'a\nb "q" \\x', "B": "", "C": ""}),
        ('KEY="-----BEGIN\nabc\n-----END"\nA=1', {"KEY": "-----BEGIN\nabc\n-----END", "A": "1"}),
        ("A=1\nA=2", {"A": "2"}),
        ("  A=it's", {"A": "it's"}),
        ("A= # nothing", {"A": ""}),
        ("", {}),
    ],
)
def test_files_of_assignments(text, values):
    assert parse_dotenv(text) == values


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A=1\ns3cr3t", 2),
        ('A=1\n\nB="s3cr3t', 3),
        ("A='s3cr3t'x", 1),
        ("=s3cr3t", 1),
        # The second line of a key that has no quotes.
        ("A=-----BEGIN KEY-----\nx/s3cr3t==", 2),
    ],
)
def test_a_malformed_file_is_told_by_its_line_alone(text, line, tmp_path):
    with pytest.raises(MalformedLine) as caught:
        parse_dotenv(text)
    assert caught.value.line == line
    (tmp_path / ".env").write_text(text)
    told = refused(source("file", ".env", tmp_path))
    assert f".env:{line}: " in told
    assert "s3cr3t" not in told


def test_files_of_json(tmp_path):
    values = {"db-user": "u", "n": 5, "on": True, "deep": {"a": [1]}}
    (tmp_path / "s.json").write_text(json.dumps(values))
    found = fetch(source("file", "s.json", tmp_path))
    assert found == {"db_user": "u", "n": "5", "on": "True", "deep": '{"a": [1]}'}
    (tmp_path / "plain").write_text(json.dumps({"a": "b"}))
    assert fetch(source("file", str(tmp_path / "plain"), "/", format="json")) == {"a": "b"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[1]", "no object"),
        (b'{"a": s3cr3t', "no JSON"),
        (b'{"a.b": "s3cr3t", "a-b": "s3cr3t"}', "both the variable a_b"),
        (b"\xff\xfe", "UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b" " * (1 << 20) + b"{}", "larger than 1 MiB"),
    ],
)
def test_json_that_holds_no_variables(content, words, tmp_path):
    (tmp_path / "s.json").write_bytes(content)
    told = refused(source("file", "s.json", tmp_path))
    assert words in told
    assert "s3cr3t" not in told


def test_a_file_that_is_not_there_and_options_that_are_not_known(tmp_path):
    assert "can't be read: No such file" in refused(source("file", "none.env", tmp_path))
    assert "did you mean `format`" in refused(source("file", "x", tmp_path, formt="env"))
    assert "has to be a str" in refused(source("file", "x", tmp_path, format=1))
    assert "env or json" in refused(source("file", "x", tmp_path, format="yaml"))


def test_names_that_can_be_no_variables():
    wanted = source("inline", "inline")
    for name, value in (
        ("1A", "v"),
        ("A-B", "v"),
        ("FALAJ_HOME", "v"),
        ("A", "s3cr3t\0"),
        ("A", "s3cr3t\ud800"),
        ("", ""),
    ):
        with pytest.raises(SecretError) as caught:
            check_names(wanted, {name: value})
        assert "s3cr3t" not in str(caught.value)
    check_names(wanted, {"_a1": ""})


def test_what_an_inline_value_has_to_be():
    assert fetch(source("inline", "inline", env_vars={"A": "b"})) == {"A": "b"}
    assert "the value of A is not text" in refused(source("inline", "inline", env_vars={"A": 1}))


def test_the_keyring():
    keyring = pytest.importorskip("keyring")

    class Ring(keyring.backend.KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            if service == "locked":
                raise keyring.errors.KeyringLocked("no prompt")
            return {("git/hub", "to-ken"): "s3cr3t"}.get((service, username))

        set_password = delete_password = None

    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    try:
        KeyringSecrets().check()
        assert fetch(source("keyring", "git/hub/to-ken")) == {"to_ken": "s3cr3t"}
        assert fetch(source("keyring", "git/hub/to-ken", env_var_name="T")) == {"T": "s3cr3t"}
        assert "keyring set git me" in refused(source("keyring", "git/me"))
        assert "KeyringLocked" in refused(source("keyring", "locked/me"))
        assert "SERVICE/USERNAME" in refused(source("keyring", "me"))
    finally:
        keyring.set_keyring(before)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("aws-secrets-manager", "falaj[aws]"), ("keyring", "falaj[keyring]")],
)
def test_without_its_library_a_place_says_what_to_install(kind, words):
    src = str(Path(falaj.__file__).parents[1])
    code = (
        f"import sys; sys.path.insert(0, {src!r})\n"
        "from falaj_control.secrets.providers import provider_of\n"
        f"provider_of({kind!r}).check()"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert "SecretError" in done.stderr
    assert words in done.stderr


@pytest.mark.parametrize("kind", ["gcp-secret-manager", "az-key-vault"])
def test_places_out_of_reach_say_how_to_go_on(kind):
    with pytest.raises(SecretError, match="environment.DB_PASSWORD"):
        PROVIDERS[kind].check()


def test_roles_and_types_that_a_source_does_not_name(tmp_path):
    settings = read_settings(
        {
            "FALAJ_HOME": str(tmp_path),
            "FALAJ_DEFAULT_SECRETS_BACKEND_TYPE": "environment",
            "FALAJ_DEFAULT_SECRETS_ROLE": "least",
        }
    )
    assert source_from("A", None, "", settings)[:2] == ("environment", "A")
    assert source_from("A", None, "", settings).role == "least"
    assert source_from("A", "more", "", settings).role == "more"
    assert source_from({"id": "A", "role": "most"}, "more", "", settings).role == "most"
    bare = read_settings({"FALAJ_HOME": str(tmp_path)})
    with pytest.raises(SecretError, match="FALAJ_DEFAULT_SECRETS_BACKEND_TYPE"):
        source_from("A", None, "", bare)
