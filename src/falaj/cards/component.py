"""What every component of a card is: something with an id that describes itself as JSON values."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar, Dict, Optional, Union

from falaj.cards.plain import plain, text_of
from falaj.errors import TimeoutException

# What `render()` of a component returns.
Rendered = Union[str, Dict[str, Any]]

_numbers = itertools.count(1)


class MetaflowCardComponent:
    """A part of a card; subclasses give `render()`, and `update()` where they can change.

    `render()` of a component of your own returns HTML as a string, which is shown without scripts,
    forms, frames and links to other places; or the dict that another component's `render()` gave.
    """

    type: ClassVar[str] = ""

    REALTIME_UPDATABLE = False

    _component_id: Optional[str] = None

    @property
    def component_id(self) -> Optional[str]:
        """What the component is called within its card; None until it is given or rendered."""
        return self._component_id

    @component_id.setter
    def component_id(self, value: str) -> None:
        # Whatever a flow passes at run time arrives here.
        given: Any = value
        if not isinstance(given, str):
            raise TypeError(
                "The id of a component is a string, not {}.".format(type(given).__name__)
            )
        self._component_id = given

    def render(self) -> Rendered:
        """Return the component as JSON values, or as HTML."""
        raise NotImplementedError(
            "{} has no render(): it returns a string of HTML.".format(type(self).__name__)
        )

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Change what the component shows; this one can't, and says so in a warning."""
        # Imported here: hardly any task needs it.
        import warnings

        warnings.warn(
            "{} has no update(): what it shows stays as it is.".format(type(self).__name__),
            stacklevel=2,
        )

    def _described(self, **fields: Any) -> Dict[str, Any]:
        """Return the component's description: type, id, and those fields that are not None."""
        if self._component_id is None:
            self._component_id = "{}_{}".format(type(self).__name__.lower(), next(_numbers))
        described: Dict[str, Any] = {"type": self.type, "id": self._component_id}
        described.update((name, value) for name, value in fields.items() if value is not None)
        return described


def describe(component: Any) -> Dict[str, Any]:
    """Return any component as a dict of JSON values, also where it gives HTML."""
    found = rendered(component)
    if isinstance(found, str):
        return {"type": "html", "id": component.component_id, "html": found}
    return found


def rendered(component: Any) -> Rendered:
    """Return any component as JSON values or HTML; one that fails as its failure.

    Raises TimeoutException alone, so that whoever gave it a time gets it back.
    """
    try:
        found = component.render()
    except TimeoutException:
        raise
    except Exception as error:
        return failed(component, error)
    if isinstance(found, str):
        return text_of(found)
    if not isinstance(found, dict):
        text = "{}.render() returned {}, not HTML as a string.".format(
            type(component).__name__, type(found).__name__
        )
        return {"type": "error", "title": text}
    return plain(found)


def failed(component: Any, error: BaseException) -> Dict[str, Any]:
    """Return what a card shows in the place of a component that could not be rendered."""
    # Imported here: hardly any task needs it.
    from falaj.cards.tracebacks import describe_exception

    title = "The component {} could not be rendered".format(type(component).__name__)
    return dict(describe_exception(error), type="error", title=title)
