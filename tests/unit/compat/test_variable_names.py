"""Which of Falaj's variables each of Metaflow's stands for."""

import pytest

from falaj.compat.variables import translate


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"METAFLOW_USER": "ada"}, {"FALAJ_USER": "ada"}),
        ({"METAFLOW_RUN_SIZE": "3"}, {"FALAJ_RUN_SIZE": "3"}),
        ({"METAFLOW_QUIET": "1"}, {"FALAJ_QUIET": "1"}),
        ({"METAFLOW_FLOW_TRIGGER": "Up/1"}, {"FALAJ_TRIGGER": "Up/1"}),
        ({"METAFLOW_TRIGGER": "Up/1"}, {"FALAJ_TRIGGER": "Up/1"}),
        (
            {"METAFLOW_DEFAULT_SECRETS_BACKEND_TYPE": "env", "METAFLOW_DEFAULT_SECRETS_ROLE": "r"},
            {"FALAJ_DEFAULT_SECRETS_BACKEND_TYPE": "env", "FALAJ_DEFAULT_SECRETS_ROLE": "r"},
        ),
        ({"METAFLOW_DATASTORE_SYSROOT_LOCAL": "/data"}, {"FALAJ_HOME": "/data/.falaj"}),
    ],
)
def test_a_variable_says_what_falajs_own_does(given, meant):
    environ = dict(given)
    translate(environ)
    assert environ == {**given, **meant}


def test_falajs_own_win_and_the_others_stay_without_effect():
    given = {
        "METAFLOW_USER": "ada",
        "FALAJ_USER": "bob",
        "METAFLOW_RUN_ID": "7",
        "METAFLOW_PROFILE": "work",
        "METAFLOW_QUIET": "",
    }
    environ = dict(given)
    translate(environ)
    assert environ == given
