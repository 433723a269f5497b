"""Keyword arguments become the words of a command line that the commands themselves understand."""

import pathlib

import click
import numpy as np
import pytest

from falaj.model.graph import FlowDescription
from falaj.runner.commandline import (
    COMMANDS,
    FLAG,
    PAIRS,
    REPEATED,
    SWITCH,
    TOP_LEVEL,
    Form,
    call_of,
)
from falaj_control.cli.context import CommandContext
from falaj_control.cli.flow_commands import FlowGroup

ANY_FLOW = FlowDescription("F", "", "", (), (), "start", "end")


def words(forms=COMMANDS["run"], **values):
    return call_of("Runner.run()", forms, values).words


def form_of(option: click.Option) -> Form | None:
    """Return the form that an option needs, or None where the plain one, a value, will do."""
    if option.is_bool_flag and option.secondary_opts:
        return Form(SWITCH, option.opts[0], option.secondary_opts[0])
    if option.is_bool_flag:
        return Form(FLAG, option.opts[0])
    if option.multiple and option.nargs == 1:
        return Form(REPEATED, option.opts[0])
    if option.nargs == 2:
        return Form(PAIRS, option.opts[0])
    return None


@pytest.mark.parametrize("name", ["", *sorted(COMMANDS)])
def test_every_option_that_is_no_plain_value_has_its_form(name):
    # An option that fails here is to be added to the forms in falaj/runner/commandline.py.
    group = FlowGroup(CommandContext("python flow.py", ANY_FLOW))
    command = group.get_command(click.Context(group), name) if name else group
    forms = COMMANDS[name] if name else TOP_LEVEL
    for option in command.params if command is not None else ():
        if isinstance(option, click.Option) and option.name != "help":
            wanted = form_of(option)
            found = forms.get(str(option.name))
            if wanted is not None:
                assert found == wanted, option.name
            else:
                assert found is None or found.option == option.opts[0]


def test_values_are_written_as_a_person_would_type_them():
    assert words(alpha=5, rate=0.5, who="me", none=None) == [
        *("--alpha", "5", "--rate", "0.5", "--who", "me"),
    ]
    assert words(flag=True, off=False) == ["--flag", "True", "--off", "False"]
    assert words(path=pathlib.Path("/a b")) == ["--path", "/a b"]
    assert words(items=[1, "\u00e9"], table={"a": None}) == [
        *("--items", '[1, "\u00e9"]', "--table", '{"a": null}'),
    ]
    assert words(count=np.int64(3), rate=np.float32(0.5), many=[np.int32(1)]) == [
        *("--count", "3", "--rate", "0.5", "--many", "[1]"),
    ]
    assert words(tags=["a", "b"], tag="c", max_workers=2) == [
        *("--tag", "a", "--tag", "b", "--tag", "c", "--max-workers", "2"),
    ]
    assert words(tags=[], locked=False, show_values=True) == ["--show-values"]


def test_options_before_the_command_have_their_own_forms():
    given = {"quiet": False, "pylint": True, "production": True}
    given |= {"environment": "uv", "datastore_root": "/x"}
    assert words(TOP_LEVEL, **given) == [
        *("--not-quiet", "--pylint", "--production"),
        *("--environment", "uv", "--datastore-root", "/x"),
    ]
    pairs = ["--config-value", "one", '{"a": 1}', "--config-value", "two", "text"]
    assert words(TOP_LEVEL, config_value=[("one", {"a": 1}), ("two", "text")]) == pairs
    assert words(TOP_LEVEL, config_value={"one": {"a": 1}, "two": "text"}) == pairs
    assert words(TOP_LEVEL, config=[("one", "one.json")]) == ["--config", "one", "one.json"]
    # One that another release may have.
    assert words(TOP_LEVEL, brand_new=True, other_new=False) == ["--brand-new"]


@pytest.mark.parametrize("value", ["one", [("one",)], [1], [(1, "x")], 5])
def test_pairs_are_pairs(value):
    with pytest.raises(TypeError, match="`config` takes a list of pairs"):
        words(TOP_LEVEL, config=value)


def test_what_only_some_parameters_take_is_noted_by_its_type():
    given = {"a": [1], "b": {}, "c": True, "d": 1, "locked": True}
    call = call_of("Runner.run()", COMMANDS["run"], given)
    assert call.kinds == {"a": "list", "b": "dict", "c": "bool"}


@pytest.mark.parametrize("value", [b"bytes", object(), {1}, 1j, lambda: 1])
def test_other_values_are_refused_by_name(value):
    with pytest.raises(TypeError, match=r"Runner\.run\(\): `it` takes a text, number"):
        words(it=value)


def test_a_list_that_holds_itself_is_refused():
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(TypeError, match="`it` can't be written as JSON"):
        words(it=endless)
