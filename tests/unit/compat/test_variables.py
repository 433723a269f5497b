"""What Metaflow's environment variables say to Falaj."""

import pytest

from falaj.compat.variables import translate


def translated(environ: "dict[str, str]") -> "dict[str, str]":
    """Return what there is once Metaflow's variables have been read."""
    found = dict(environ)
    translate(found)
    return found


def told(*given: "tuple[str, str]") -> "dict[str, str]":
    """Return Falaj's variables that Metaflow's, in that order, stand for."""
    found = translated(dict(given))
    found.pop("FALAJ_METAFLOW_SET", None)
    return {name: value for name, value in found.items() if name.startswith("FALAJ_")}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (("METAFLOW_USER", "ada"), {"FALAJ_USER": "ada"}),
        (("METAFLOW_RUN_SIZE", "3"), {"FALAJ_RUN_SIZE": "3"}),
        (("METAFLOW_QUIET", "1"), {"FALAJ_QUIET": "1"}),
        (("METAFLOW_QUIET", ""), {}),
        (("METAFLOW_FLOW_TRIGGER", "Up/1"), {"FALAJ_TRIGGER": "Up/1"}),
        (("METAFLOW_TRIGGER", "Up/1"), {"FALAJ_TRIGGER": "Up/1"}),
        (
            ("METAFLOW_DEFAULT_SECRETS_BACKEND_TYPE", "env"),
            {"FALAJ_DEFAULT_SECRETS_BACKEND_TYPE": "env"},
        ),
        (("METAFLOW_DEFAULT_SECRETS_ROLE", "r"), {"FALAJ_DEFAULT_SECRETS_ROLE": "r"}),
        (("METAFLOW_PROFILE", "work"), {}),
        (("METAFLOW_RUN_ID", "7"), {}),
    ],
)
def test_a_variable_says_what_falajs_own_does(given, meant):
    assert told(given) == meant


def test_of_two_that_mean_the_same_the_same_one_wins_in_every_order():
    one, other = ("METAFLOW_ENVIRONMENT", "conda"), ("METAFLOW_DEFAULT_ENVIRONMENT", "pypi")
    assert told(one, other) == told(other, one) == {"FALAJ_ENVIRONMENT": "conda"}


def test_parameters_come_along_and_falajs_own_variables_win():
    given = [("METAFLOW_RUN_ALPHA", "1"), ("METAFLOW_RUN_ID", "7"), ("METAFLOW_RUN_EMPTY", "")]
    assert told(*given) == {"FALAJ_RUN_ALPHA": "1"}
    assert told(("METAFLOW_USER", "ada"), ("FALAJ_USER", "eve")) == {"FALAJ_USER": "eve"}
    assert told(("METAFLOW_RUN_A", "1"), ("FALAJ_RUN_A", "2")) == {"FALAJ_RUN_A": "2"}
    assert told(("METAFLOW_DATASTORE_SYSROOT_LOCAL", "/data")) == {"FALAJ_HOME": "/data/.falaj"}


def test_a_later_value_takes_the_place_of_an_earlier_one():
    # A program that was started with one value starts another with the next.
    found = translated({"METAFLOW_RUN_ALPHA": "1", "METAFLOW_USER": "ann"})
    del found["METAFLOW_USER"]
    found = translated({**found, "METAFLOW_RUN_ALPHA": "2"})
    assert found["FALAJ_RUN_ALPHA"] == "2"
    assert "FALAJ_USER" not in found


def test_a_home_is_settled_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = translated({"METAFLOW_DATASTORE_SYSROOT_LOCAL": "here"})
    (tmp_path / "below").mkdir()
    monkeypatch.chdir("below")
    assert translated(found)["FALAJ_HOME"] == str(tmp_path / "here" / ".falaj")


def test_nothing_is_added_where_nothing_is_asked():
    assert translated({"PATH": "x"}) == {"PATH": "x"}
