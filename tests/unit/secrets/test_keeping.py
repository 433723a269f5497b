"""A run fetches each secret once, all that a step needs at a time, and a failed one again."""

import threading

import pytest

from falaj.errors import SecretError
from falaj_control.secrets.keeping import KeptSecrets
from falaj_control.secrets.places import Source
from falaj_control.secrets.sources import StepSecrets


def place(id: str) -> Source:
    return Source("inline", id, "{}", None, "")


def kept(wanted, fetch):
    came = threading.Semaphore(0)
    steps = {
        step: StepSecrets(tuple(place(id) for id in ids), False) for step, ids in wanted.items()
    }
    return KeptSecrets(steps, came.release, fetch), came


def wait(secrets, came, step):
    while not secrets.is_ready(step):
        assert came.acquire(timeout=30)
    return secrets.of_step(step)


def test_each_source_is_fetched_once_for_all_steps():
    asked = []

    def fetch(source):
        asked.append(source.id)
        return {source.id: f"value of {source.id}"}

    secrets, came = kept({"a": ["X", "Y"], "b": ["Y"]}, fetch)
    assert secrets.is_ready("plain")
    assert secrets.of_step("plain") is None
    assert asked == []
    assert wait(secrets, came, "a")["variables"] == {"X": "value of X", "Y": "value of Y"}
    assert wait(secrets, came, "b")["variables"] == {"Y": "value of Y"}
    assert sorted(asked) == ["X", "Y"]
    assert secrets.redactor.redact("the value of X") == "the <redacted>"


def test_sources_of_a_step_are_fetched_side_by_side():
    together = threading.Barrier(3, timeout=30)

    def fetch(source):
        together.wait()
        return {source.id: "v"}

    secrets, came = kept({"a": ["X", "Y", "Z"]}, fetch)
    assert set(wait(secrets, came, "a")["variables"]) == {"X", "Y", "Z"}


def test_what_failed_is_fetched_again_once_the_failure_is_forgotten():
    answers = iter([SecretError("down"), {"X": "up"}])

    def fetch(_):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    secrets, came = kept({"a": ["X"]}, fetch)
    assert wait(secrets, came, "a")["error"] == "down"
    assert secrets.of_step("a")["error"] == "down"
    secrets.forget_failure("a")
    assert wait(secrets, came, "a") == {
        "variables": {"X": "up"},
        "allow_override": False,
        "error": "",
    }
    secrets.forget_failure("a")
    assert secrets.is_ready("a")


@pytest.mark.parametrize(
    ("found", "words"),
    [({"S": "v"}, "both set the variable S"), ({"1": "v"}, "can't be the name of a variable")],
)
def test_variables_that_can_not_be_set_are_an_error(found, words):
    secrets, came = kept({"a": ["X", "Y"]}, lambda _: found)
    given = wait(secrets, came, "a")
    assert words in given["error"]
    assert given["variables"] == {}
