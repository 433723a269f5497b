"""Metaflow's environment variables, as Falaj reads them."""

from falaj.compat.variables import translate


def translated(**environ):
    translate(environ)
    return environ


def test_parameters_and_settings_get_their_own_names():
    found = translated(METAFLOW_RUN_ALPHA="1", METAFLOW_USER="ann", OTHER="x")
    assert (found["FALAJ_RUN_ALPHA"], found["FALAJ_USER"], found["OTHER"]) == ("1", "ann", "x")


def test_own_variables_win():
    assert translated(METAFLOW_RUN_ALPHA="1", FALAJ_RUN_ALPHA="2")["FALAJ_RUN_ALPHA"] == "2"


def test_what_a_step_of_metaflows_finds_is_no_parameter():
    assert "FALAJ_RUN_ID" not in translated(METAFLOW_RUN_ID="7")


def test_a_later_value_takes_the_place_of_an_earlier_one():
    # A program that was started with one value starts another with the next.
    found = translated(METAFLOW_RUN_ALPHA="1", METAFLOW_USER="ann")
    del found["METAFLOW_USER"]
    found = translated(**{**found, "METAFLOW_RUN_ALPHA": "2"})
    assert found["FALAJ_RUN_ALPHA"] == "2"
    assert "FALAJ_USER" not in found


def test_nothing_is_added_where_nothing_is_asked():
    assert translated(PATH="x") == {"PATH": "x"}
