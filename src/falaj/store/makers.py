"""Who stored a value: the step, its Python and its packages, for when it can't be loaded elsewhere.

A pack ends with its maker's record, and so do the values of a foreach. Every entry names its pack,
so the maker is known of an artifact however many tasks have handed it on.
"""

from __future__ import annotations

import json
import os
import re
import struct
import sys
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set

from falaj.store.blobs import BlobStore

_PYTHON = "{}.{}.{}".format(*sys.version_info)
# Pickles name their modules where they first need them; of a long one no more is looked at.
_HEAD, _PIECES = 1 << 16, 16
_MAGIC = b"falaj-m1"
_TRAILER = struct.Struct("<Q8s")
# A module's name, a name in it, each new or known already, and the operation that looks it up.
_GLOBAL = re.compile(
    rb"\x8c.([A-Za-z]\w*)(?:\.[\w.]+)?\x94(?:\x8c.[\w.<>]+\x94|h.|j.{4})\x93", re.DOTALL
)


class Maker(NamedTuple):
    """What stored a value; `step` is empty for a run's parameters, `packages` maps to versions."""

    step: str
    python: str
    packages: Mapping[str, str]


def head(pickled: Sequence[Any]) -> List[Any]:
    """Return the parts of a pickle, itself in pieces, that are searched for names of modules."""
    return [piece[:_HEAD] for piece in pickled[:_PIECES]]


def modules_in(pickles: Iterable[Any]) -> Set[str]:
    """Return the top-level modules that these pickles, or their beginnings, name."""
    return {name.decode() for name in _GLOBAL.findall(b"\n".join(pickles))}


def this_maker(step: str, modules: Iterable[str]) -> Maker:
    """Return this process as the maker of what names `modules`."""
    return Maker(step, _PYTHON, _versions(modules))


def _versions(modules: Iterable[str]) -> Dict[str, str]:
    found: Dict[str, str] = {}
    for name in sorted(modules):
        # Not by getattr: some packages compute it, or warn.
        version = getattr(sys.modules.get(name), "__dict__", {}).get("__version__")
        if isinstance(version, str):
            found[name] = version
    return found


def maker_record(maker: Maker) -> bytes:
    """Return the bytes that end a pack: the maker as JSON, and where that starts."""
    data = json.dumps(maker, separators=(",", ":")).encode()
    return data + _TRAILER.pack(len(data), _MAGIC)


def read_maker(store: BlobStore, digest: str, end: Optional[int] = None) -> Optional[Maker]:
    """Return the maker whose record ends a blob, or ends before `end`; None where none is known.

    For words and for choosing a way, not for data: the record is not verified.
    """
    try:
        file = store.open(digest)
        try:
            end = (os.fstat(file).st_size if end is None else end) - _TRAILER.size
            size, magic = _TRAILER.unpack(os.pread(file, _TRAILER.size, end))
            if magic != _MAGIC or size > end:
                return None
            raw = json.loads(os.pread(file, size, end - size).decode())
            return Maker(str(raw[0]), str(raw[1]), dict(raw[2]))
        finally:
            os.close(file)
    except Exception:
        # Damage may show as anything here.
        return None


def is_alike(maker: Maker) -> bool:
    """Say whether this process pickles equal values to equal bytes, as far as versions tell."""
    return this_maker(maker.step, maker.packages) == maker


def explain(what: str, error: Exception, maker: Optional[Maker], pickled: Any) -> str:
    """Return why `what`, the value of a pickle, can't be loaded here, and how to mend it."""
    cause = str(error).rstrip(".")
    if not isinstance(error, (ImportError, AttributeError)):
        cause = "{}: {}".format(type(error).__name__, cause)
    missing = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
    named = modules_in([pickled])
    here = _side(_PYTHON, _versions(named), missing.partition(".")[0])
    there: Dict[str, str] = {}
    sides = "This is {}.".format(here)
    if maker is not None:
        there = {name: maker.packages[name] for name in named if name in maker.packages}
        who = "by step {}".format(maker.step) if maker.step else "with the run's parameters"
        stored = _side(maker.python, there, "")
        sides = "It was stored {} on {}; this is {}.".format(who, stored, here)
    mend = _mend(error, missing, there)
    return "{} can't be loaded here: {}. {} {}".format(what, cause, sides, mend)


def _side(python: str, packages: Mapping[str, str], missing: str) -> str:
    text = "Python {}".format(python)
    if packages:
        listed = ["{} {}".format(name, packages[name]) for name in sorted(packages)]
        text += " with {}".format(", ".join(listed))
    # A module may also be missing of a package that is here.
    if missing and missing not in sys.modules:
        text += " without {}".format(missing)
    return text


def _mend(error: Exception, missing: str, packages: Mapping[str, str]) -> str:
    # Python's own words for a pickle of a later protocol; it has no class of its own.
    if isinstance(error, ValueError) and "pickle protocol" in str(error):
        return (
            "Read it with Python 3.8 or newer, or run the flow again instead of resuming it: a "
            "run stores what the oldest Python among its steps can read."
        )
    if missing and missing.partition(".")[0] not in packages:
        return (
            "Install the package that has {}, or, if it is a file of yours, put its folder on "
            "sys.path.".format(missing)
        )
    if packages:
        return (
            "Give both sides the same packages, or let the step keep plain values: "
            "df.to_dict('list'), an array, the contents of a file."
        )
    return (
        "Give both sides the same code, with the class or function at the top of its file, or let "
        "the step keep plain values."
    )
