"""Components of text: Markdown and Python code."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

from falaj.cards.component import MetaflowCardComponent
from falaj.cards.plain import text_of


class Markdown(MetaflowCardComponent):
    """Text in Markdown: headings, emphasis, lists, tables, quotes, links, code.

    Common indentation is taken away. HTML in it is shown as it is written.
    """

    type = "markdown"
    REALTIME_UPDATABLE = True

    def __init__(self, text: Optional[str] = None) -> None:
        """Show `text`."""
        self._text = text

    def update(self, text: Optional[str] = None) -> None:
        """Show `text` instead."""
        self._text = text

    def render(self) -> Dict[str, Any]:
        """Return the component as JSON values."""
        text = "" if self._text is None else text_of(self._text)
        return self._described(source=_dedented(text))


class PythonCode(MetaflowCardComponent):
    """Python code: the source of a function, or a string."""

    type = "pythonCode"
    REALTIME_UPDATABLE = True

    def __init__(
        self,
        code_func: Optional[Callable[..., Any]] = None,
        code_string: Optional[str] = None,
    ) -> None:
        """Show the source of `code_func` or, where it is None, `code_string`."""
        self._code = _source(code_func, code_string)

    def update(
        self,
        code_func: Optional[Callable[..., Any]] = None,
        code_string: Optional[str] = None,
    ) -> None:
        """Show this code instead."""
        self._code = _source(code_func, code_string)

    def render(self) -> Dict[str, Any]:
        """Return the component as JSON values."""
        return self._described(data=self._code)


def _source(function: Optional[Callable[..., Any]], text: Optional[str]) -> str:
    if function is None:
        return _dedented("" if text is None else text_of(text))
    # Imported here: `inspect` is slow to import.
    import inspect

    try:
        return _dedented(inspect.getsource(function))
    except (OSError, TypeError):
        name = getattr(function, "__qualname__", text_of(function))
        return "# The source of {} is not known: it was not read from a file.".format(name)


def _dedented(text: str) -> str:
    if not text[:1].isspace():
        return text
    # Imported here: flow files that import components don't all use this.
    from textwrap import dedent

    return dedent(text).strip("\n")
