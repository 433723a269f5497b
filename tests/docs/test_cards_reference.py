"""The reference of cards and the code have the same names and arguments."""

import inspect
import re

import pytest

from falaj import cards
from falaj.cards.registry import card_types


@pytest.fixture
def page(docs):
    return (docs / "reference" / "cards.md").read_text(encoding="utf-8")


def section(page: str, name: str) -> str:
    """Return the words under the heading of a name, in one line."""
    found = re.search(rf"^### `{name}`\n(.*?)(?=^##|\Z)", page, re.M | re.S)
    assert found, name
    return " ".join(found.group(1).split())


def call(function: object, name: str) -> str:
    """Return how a function is called, without types."""
    parameters = [
        one.replace(annotation=inspect.Parameter.empty)
        for one in inspect.signature(function).parameters.values()  # type: ignore[arg-type]
        if one.name != "self"
    ]
    return f"{name}{inspect.Signature(parameters)}"


def test_every_name_has_a_section_and_no_other_does(page):
    assert set(re.findall(r"^### `(\w+)`$", page, flags=re.M)) == set(cards.__all__)
    assert set(cards.__all__) <= set(dir(cards))
    with pytest.raises(AttributeError, match="'Nothing'"):
        cards.Nothing  # noqa: B018


@pytest.mark.parametrize("name", sorted(set(cards.__all__) - {"CardComponent"}))
def test_every_call_is_shown_as_it_is(page, name):
    kind = getattr(cards, name)
    text = section(page, name)
    if "__init__" in vars(kind):
        assert f"`{call(kind.__init__, name)}`" in text
    for method, function in vars(kind).items():
        if method.startswith("_") or method == "render" or isinstance(function, property):
            continue
        if isinstance(function, classmethod):
            assert f"`{call(getattr(kind, method), f'{name}.{method}')}`" in text
        elif callable(function) and kind is not cards.MetaflowCardComponent:
            assert f"`{call(function, method)}`" in text


def test_every_type_is_in_the_guide(docs):
    guide = (docs / "guides" / "cards.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^\| `(\w+)` \|", guide, flags=re.M))
    assert {"default", "blank", "default_json", "error", "taskspec_card"} <= shown
    assert shown <= set(card_types())
