"""A user's exception as data: readable, encodable, and never an exception of its own."""

import json

import pytest

from falaj.authoring.flowspec import FlowSpec
from falaj.errors import FalajException, InvalidNextException
from falaj.runtime.failure import describe_exception, wrap


def caught(function):
    try:
        function()
    except BaseException as error:
        info = describe_exception(error)
        json.dumps(info).encode("utf-8")
        for text in info[:4]:
            text.encode("utf-8")
        return info
    raise AssertionError("nothing was raised")


def raises(error):
    def function():
        raise error

    return function


def test_a_plain_error_has_type_message_location_and_frames():
    info = caught(raises(ValueError("bad value")))
    assert (info.type, info.message) == ("ValueError", "bad value")
    assert info.location.startswith(f"{__file__}:")
    assert "raise error" in info.traceback
    assert info.traceback.endswith("ValueError: bad value\n")
    assert not info.tells_all


class Odd(Exception):
    """An error of a module of its own."""


def test_an_error_of_a_module_is_named_with_it():
    assert caught(raises(Odd("x"))).type == f"{__name__}.Odd"


def test_a_chain_is_shown_whole():
    def function():
        try:
            raise KeyError("first")
        except KeyError:
            try:
                raise TypeError("second")
            except TypeError as error:
                raise ValueError("third") from error

    info = caught(function)
    places = [info.traceback.index(word) for word in ("KeyError: 'first'", "second", "third")]
    assert places == sorted(places)
    assert "direct cause" in info.traceback


def test_a_chain_that_closes_on_itself_comes_to_an_end():
    first, second = ValueError("one"), ValueError("two")
    first.__cause__, second.__cause__ = second, first
    assert "one" in caught(raises(first)).traceback


def test_our_own_frames_are_not_shown_also_in_what_came_before():
    class Flow(FlowSpec):
        pass

    def function():
        flow = Flow(use_cli=False)
        try:
            flow.next()
        except FalajException:
            raise RuntimeError("after") from None

    def chained():
        flow = Flow(use_cli=False)
        try:
            flow.next()
        except FalajException:
            raise RuntimeError("after")  # noqa: B904

    for shown in (caught(function), caught(chained)):
        assert "flowspec.py" not in shown.traceback
        assert shown.location.startswith(__file__)
    assert "is not running here" in caught(chained).traceback


@pytest.mark.parametrize(
    "text", ["\udcff lone", "\0 zero", "\x1b[31m", "x" * 100_000, "", "ü\n\nlines"]
)
def test_any_message_can_be_recorded(text):
    info = caught(raises(ValueError(text)))
    assert info.message == text.encode("utf-8", "backslashreplace").decode()


class Unshowable(Exception):
    """An error whose text fails."""

    def __str__(self) -> str:
        raise ZeroDivisionError


class NotText(Exception):
    """An error whose text is none."""

    def __str__(self) -> str:
        return None  # noqa: PLE0307  # pyright: ignore[reportReturnType]


@pytest.mark.parametrize(("kind", "why"), [(Unshowable, "ZeroDivision"), (NotText, "TypeError")])
def test_an_error_that_can_not_show_itself_is_told_all_the_same(kind, why):
    info = caught(raises(kind()))
    assert info.type.endswith(kind.__name__)
    assert why in info.message
    assert kind.__name__ in info.traceback


def test_a_syntax_error_shows_the_line_that_is_wrong():
    info = caught(lambda: compile("x = 1\ny = = 2\n", "made_up.py", "exec"))
    assert info.type == "SyntaxError"
    assert "y = = 2" in info.traceback
    assert "made_up.py" in info.traceback


def test_endless_recursion_is_told_in_bounded_space():
    def deeper():
        return deeper()

    info = caught(deeper)
    assert info.type == "RecursionError"
    assert len(info.traceback) < 20_000
    assert "deeper" in info.traceback


def test_a_group_shows_its_members():
    group = getattr(__builtins__, "ExceptionGroup", None)
    if group is None:
        group = __builtins__["ExceptionGroup"] if isinstance(__builtins__, dict) else None
    if group is None:
        return
    info = caught(raises(group("several", [ValueError("inner one"), KeyError("inner two")])))
    assert "inner one" in info.traceback
    assert "inner two" in info.traceback


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_what_is_no_plain_exception_is_described_too(error):
    assert caught(raises(error)).type == type(error).__name__


def test_our_sentences_tell_all_and_are_named_shortly():
    info = caught(raises(InvalidNextException("Say it so.", 3)))
    assert info.tells_all
    assert info.type == "InvalidNextException"
    assert "falaj.errors" not in info.traceback


def test_an_error_without_frames_has_no_location():
    info = describe_exception(ValueError("never raised"))
    assert info.location == ""
    assert info.traceback == "ValueError: never raised\n"


def test_what_catch_keeps_is_plain_text():
    kept = wrap(caught(raises(ValueError("bad"))))
    assert (kept.type, kept.exception) == ("ValueError", "bad")
    assert "raise error" in str(kept)
    assert repr(kept) == "ExceptionWrapper(ValueError: bad)"
