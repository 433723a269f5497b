"""Where a step goes on: what `self.next` was asked for, and what it chooses by what is assigned."""

from __future__ import annotations

from operator import index
from types import FrameType
from typing import Any, Mapping, NamedTuple, NoReturn, Optional, Tuple

from falaj.authoring.wording import told
from falaj.errors import InvalidNextException

_LONGEST_VALUE = 200
# Beyond any machine; each member is a process.
_LARGEST_GANG = 10000


class NextCall(NamedTuple):
    """What a step asked for by `self.next`.

    Of a switch on `condition`, `targets` are all steps that it may lead to, `chosen` the one that
    it leads to now. `width` is the size of a gang.
    """

    kind: str
    targets: Tuple[str, ...]
    foreach: Optional[str] = None
    condition: Optional[str] = None
    chosen: Optional[str] = None
    width: int = 0


def refuse(message: str, line: int) -> NoReturn:
    """Raise the InvalidNextException of a line."""
    raise InvalidNextException(message, line)


def check_switch(targets: Tuple[Any, ...], options: Mapping[str, Any], line: int) -> None:
    """Refuse a switch that is not of the form `self.next({...}, condition="artifact")`."""
    if len(targets) != 1 or not isinstance(targets[0], dict) or not targets[0]:
        refuse("self.next() with condition= takes a dict of cases and their steps.", line)
    if set(options) != {"condition"}:
        refuse(
            "self.next() with a dict of cases takes condition='artifact', and nothing else.", line
        )
    if not isinstance(options["condition"], str):
        refuse("condition= takes the name of an artifact as a string.", line)


def chosen_case(flow: Any, cases: Mapping[Any, Any], condition: str, frame: FrameType) -> Any:
    """Return what `cases` holds for the value of the artifact `condition`."""
    line = frame.f_lineno
    try:
        value = getattr(flow, condition)
    except AttributeError:
        refuse(
            "condition={0!r}: there is no artifact self.{0} in this step. Assign it before "
            "self.next().".format(condition),
            line,
        )
    try:
        return cases[value]
    except (KeyError, TypeError):
        shown = repr(value)
        if len(shown) > _LONGEST_VALUE:
            shown = shown[:_LONGEST_VALUE] + "…"
        message = "self.{} is {}, and the cases are {}. Add a case for it, or check how it is made."
        text = message.format(condition, shown, ", ".join(map(repr, cases)))
        refuse(told(frame.f_code.co_filename, line, text), line)


def gang_width(asked: Any, line: int) -> int:
    """Return the size of a gang as a whole number."""
    try:
        width = -1 if isinstance(asked, bool) else index(asked)
    except TypeError:
        width = -1
    if not 1 <= width <= _LARGEST_GANG:
        wanted = "a whole number from 1 to {}".format(_LARGEST_GANG)
        refuse("num_parallel= takes {}, not {!r}.".format(wanted, asked), line)
    return width
