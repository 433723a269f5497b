"""What Metaflow's environment variables say to Falaj."""

from falaj.compat.variables import translate


def told(*given: "tuple[str, str]") -> "dict[str, str]":
    """Return Falaj's variables that Metaflow's, in that order, stand for."""
    environ = dict(given)
    translate(environ)
    return {name: value for name, value in environ.items() if name.startswith("FALAJ_")}


def test_of_two_that_mean_the_same_the_same_one_wins_in_every_order():
    one, other = ("METAFLOW_ENVIRONMENT", "conda"), ("METAFLOW_DEFAULT_ENVIRONMENT", "pypi")
    assert told(one, other) == told(other, one) == {"FALAJ_ENVIRONMENT": "conda"}


def test_parameters_come_along_and_falajs_own_variables_win():
    given = [("METAFLOW_RUN_ALPHA", "1"), ("METAFLOW_RUN_ID", "7"), ("METAFLOW_RUN_EMPTY", "")]
    assert told(*given) == {"FALAJ_RUN_ALPHA": "1"}
    assert told(("METAFLOW_USER", "ada"), ("FALAJ_USER", "eve")) == {"FALAJ_USER": "eve"}
    assert told(("METAFLOW_DATASTORE_SYSROOT_LOCAL", "/data")) == {"FALAJ_HOME": "/data/.falaj"}
