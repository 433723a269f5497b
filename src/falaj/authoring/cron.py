"""Cron texts: whether they can be followed, and what their fields are."""

from __future__ import annotations

import re
from typing import Any, List, Mapping, NamedTuple, Optional, Tuple

_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
_DAYS = "SUN MON TUE WED THU FRI SAT".split()
_STEPPED = re.compile(r"([^/]+)/(\d+)\Z")
_SPAN = re.compile(r"([^-]+)-([^-]+)\Z")
_NTH = re.compile(r"([^#]+)#([1-5])\Z")
_LAST_DAY = re.compile(r"(L|LW|L-([1-9]|[12]\d|30)|([1-9]|[12]\d|3[01])W)\Z")


class _Field(NamedTuple):
    """One place of a cron text: what it is called, its least and greatest value, its names."""

    name: str
    least: int
    greatest: int
    names: Tuple[str, ...] = ()


_SECOND = _Field("second", 0, 59)
_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of the month", 1, 31)
_MONTH = _Field("month", 1, 12, tuple(_MONTHS))
# Sunday is 0 or 7 to cron, and 1 to Quartz.
_WEEKDAY = _Field("day of the week", 0, 7, tuple(_DAYS))
_QUARTZ_WEEKDAY = _Field("day of the week", 1, 7, tuple(_DAYS))
_YEAR = _Field("year", 1970, 2199)

_FORMS = {
    5: ((_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY),),
    # Metaflow's six fields end with the year, Quartz's begin with the second.
    6: (
        (_MINUTE, _HOUR, _DAY, _MONTH, _QUARTZ_WEEKDAY, _YEAR),
        (_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _QUARTZ_WEEKDAY),
    ),
    7: ((_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _QUARTZ_WEEKDAY, _YEAR),),
}


class Cron(NamedTuple):
    """A cron text's fields as they are written; `is_quartz` says that Sunday is 1, not 0."""

    second: str
    minute: str
    hour: str
    day: str
    month: str
    weekday: str
    year: str
    is_quartz: bool


def cron_of(attributes: Mapping[str, Any]) -> Optional[str]:
    """Return the cron text that the arguments of @schedule stand for, or None for no schedule."""
    if attributes["cron"]:
        return str(attributes["cron"])
    if attributes["weekly"]:
        return "0 0 ? * SUN *"
    if attributes["hourly"]:
        return "0 * * * ? *"
    return "0 0 * * ? *" if attributes["daily"] else None


def parse_cron(text: str) -> Cron:
    """Return the fields of a cron text; raise ValueError, with a clause that says what is wrong.

    Five fields are minute, hour, day of the month, month and day of the week. A sixth is the year,
    as in Metaflow, unless the text makes sense only with the second in front, as Quartz has it.
    Seven have both.
    """
    parts = text.split()
    forms = _FORMS.get(len(parts))
    if forms is None:
        raise ValueError("it has {} fields instead of 5, 6 or 7".format(len(parts)))
    first: Optional[ValueError] = None
    for form in forms:
        try:
            return _read(form, parts)
        except ValueError as error:
            first = first or error
    assert first is not None
    raise first


def _read(form: Tuple[_Field, ...], parts: List[str]) -> Cron:
    for field, part in zip(form, parts):
        for item in part.split(","):
            _check(field, item.upper())
    found = {field.name: part for field, part in zip(form, parts)}
    day, weekday = found[_DAY.name], found[_WEEKDAY.name]
    if day == weekday == "?":
        raise ValueError("only one of the two days can be `?`")
    return Cron(
        found.get(_SECOND.name, "0"),
        found[_MINUTE.name],
        found[_HOUR.name],
        day,
        found[_MONTH.name],
        weekday,
        found.get(_YEAR.name, "*"),
        len(parts) > 5,
    )


def _check(field: _Field, item: str) -> None:
    stepped = _STEPPED.match(item)
    if stepped is not None:
        item = stepped.group(1)
        if int(stepped.group(2)) == 0:
            raise ValueError("the {} goes on in steps of 0".format(field.name))
    if item == "*" or _is_special(field, item):
        return
    span = _SPAN.match(item)
    if span is None:
        _number(field, item)
        return
    first, last = (_number(field, end) for end in span.groups())
    # A range of names may go around the end of the week or year.
    if first > last and not field.names:
        raise ValueError("the {} {} runs backwards".format(field.name, item))


def _is_special(field: _Field, item: str) -> bool:
    if field is _DAY:
        return item == "?" or _LAST_DAY.match(item) is not None
    if field not in (_WEEKDAY, _QUARTZ_WEEKDAY):
        return False
    nth = _NTH.match(item)
    if nth is not None:
        _number(field, nth.group(1))
        return True
    if item.endswith("L") and len(item) > 1:
        _number(field, item[:-1])
        return True
    return item in ("?", "L")


def _number(field: _Field, text: str) -> int:
    if text in field.names:
        return field.names.index(text) + field.least
    if not text.isdecimal() or not field.least <= int(text) <= field.greatest:
        names = " or {} to {}".format(field.names[0], field.names[-1]) if field.names else ""
        raise ValueError(
            "the {} is {!r}, not from {} to {}{}".format(
                field.name, text, field.least, field.greatest, names
            )
        )
    return int(text)
