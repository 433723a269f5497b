"""What to say of a name that is not there: what there is, and what was probably meant."""

from __future__ import annotations

from typing import Iterable, Optional, Sequence, Tuple

from falaj.errors import FalajInvalidPathspec, FalajNotFound

_SHOWN = 12
# Whatever has so many digits fits into SQLite's integers.
_LONGEST_ID = 18


class ChildNotFound(FalajNotFound, KeyError):
    """A child that `object[name]` does not have; also a KeyError, as for any mapping."""


class ArtifactAttributeMissing(FalajNotFound, AttributeError):
    """An artifact that `task.data.name` does not have; also an AttributeError."""


def absent(what: str, name: str, there: Iterable[str], plural: str, nothing: str) -> str:
    """Return the sentences for a `what` called `name` that is not among `there`.

    `plural` names the kind (`its steps are`), `nothing` is the sentence where there is none.
    """
    names = list(there)
    text = "There is no {} {!r}.".format(what, name)
    if not names:
        return "{} {}".format(text, nothing)
    nearest = _nearest(name, names)
    if nearest is not None:
        text += " Did you mean {!r}?".format(nearest)
    shown = ", ".join(names[:_SHOWN])
    if len(names) > _SHOWN:
        shown += " and {:,} more".format(len(names) - _SHOWN)
    return "{} {} {}.".format(text, plural, shown)


def split_pathspec(pathspec: str, form: str) -> Tuple[str, ...]:
    """Return the parts of a pathspec of the `form` shown, or raise FalajInvalidPathspec."""
    example, _, inside = form.partition("(")
    arity = inside.count("/") + 1
    parts = tuple(str(pathspec).split("/"))
    if len(parts) != arity or not all(parts):
        raise FalajInvalidPathspec(
            "{!r} is not the path of a {}. Write {}, with {} between slashes.".format(
                pathspec, example, form, "one part" if arity == 1 else "{} parts".format(arity)
            )
        )
    return parts


def number(text: object) -> Optional[int]:
    """Return the id that a person wrote (`412`, `#412`), or None."""
    digits = str(text)
    digits = digits[1:] if digits.startswith("#") else digits
    # Asked first: `int` refuses a number that is too long.
    if len(digits) > _LONGEST_ID or not digits.isdecimal():
        return None
    # isdecimal takes digits of every script, and a leading zero would give one thing two paths.
    if digits != str(int(digits)):
        return None
    return int(digits)


def attempt_number(given: object) -> Optional[int]:
    """Return the number of an attempt, given as such or as text; None for None."""
    if given is None:
        return None
    if str(given).isdecimal():
        return int(str(given))
    raise FalajNotFound("There is no attempt {!r}: attempts are numbers from 0.".format(given))


def _nearest(name: str, names: Sequence[str]) -> Optional[str]:
    # Imported here because only a failed look-up needs it.
    import difflib

    found = difflib.get_close_matches(name, names, n=1)
    if found:
        return found[0]
    lowered = {other.lower(): other for other in names}
    return lowered.get(name.lower())
