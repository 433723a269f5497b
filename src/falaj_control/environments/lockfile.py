"""The lock file beside a flow: what its steps' requests were resolved to, for people and for git.

`flow.py` has `flow.lock.toml`. One entry answers one request for one platform, whatever steps ask;
its packages are tables of PEP 751, as in pylock.toml.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast

from falaj.authoring.parsers import ParserError, parse_toml
from falaj_control.environments.replacing import replace_file
from falaj_control.environments.values import EnvironmentFailed, Lock

VERSION = 1
_HEADER = """\
# The packages of every step of {flow}, as they were resolved, with the hashes of their files.
# Runs install exactly these. Keep the file with the flow, in version control.
# Written by: falaj lock {flow}    (falaj lock {flow} --upgrade asks for newer ones)
"""
_CONFLICT = re.compile(r"^(<<<<<<<|\|\|\|\|\|\|\||=======|>>>>>>>)( |$)")
_WEB_USER = re.compile(r"(?i)(https?://)([^/@\s\"']*)@")
_OTHER_PASSWORD = re.compile(r"(?i)(://[^/@:\s\"']*):([^/@\s\"']*)@")
_VARIABLES = re.compile(r"(\$\{\w+\})+")


class LockEntry(NamedTuple):
    """One lock and the steps that use it, each as `Flow/step`, sorted."""

    steps: tuple[str, ...]
    lock: Lock


class LockFile(NamedTuple):
    """What a lock file holds, and where it is."""

    path: str
    entries: tuple[LockEntry, ...] = ()

    def find(self, request: str, platform: str) -> Lock | None:
        """Return the answer to a request (its digest) for a platform."""
        for entry in self.entries:
            if entry.lock.request == request and entry.lock.platform == platform:
                return entry.lock
        return None

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms that the file is for, sorted."""
        return tuple(sorted({entry.lock.platform for entry in self.entries}))

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return os.path.basename(self.path)


class UnreadableLockFile(EnvironmentFailed):
    """A lock file that is damaged, but which `falaj lock` may write anew; `what` is damaged."""

    def __init__(self, what: str, mend: str) -> None:
        """Say what is wrong where, and what to do about it."""
        super().__init__(f"{what}. {mend}")
        self.what = what


def lock_path(script: str) -> str:
    """Return the lock file of a flow's file, present or not."""
    return os.path.splitext(script)[0] + ".lock.toml"


def read_lock_file(path: str, script: str) -> LockFile | None:
    """Return what the file holds, None where there is none.

    Raises UnreadableLockFile for a damaged one, EnvironmentFailed for one that can't be opened or
    that a newer Falaj has written.
    """
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EnvironmentFailed(f"Can't read {path}: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise _damaged(path, script, 0, "it is not UTF-8 text") from None
    return _parse(text, path, script)


def render(entries: Iterable[LockEntry], script: str) -> str:
    """Return the text of a lock file; the same entries give the same text."""
    parts = [_HEADER.format(flow=os.path.basename(script)), _line("version", VERSION) + "\n"]
    for entry in sorted(entries, key=_order):
        parts.append("\n" + _entry_text(entry))
    return "".join(parts)


def write_lock_file(path: str, entries: Iterable[LockEntry], script: str) -> None:
    """Put the entries in place of what the file held; a kill leaves the old file or the new one."""
    try:
        replace_file(path, render(entries, script).encode())
    except OSError as error:
        raise EnvironmentFailed(
            f"Can't write {path}: {error.strerror}. Make the folder writable, or copy the flow to "
            "one that is."
        ) from error


def without_credentials(text: str) -> str:
    """Return text whose URLs name no user and password; `${VARIABLES}` may stay."""

    def web(match: re.Match[str]) -> str:
        user, colon, password = match[2].partition(":")
        return match[0] if _VARIABLES.fullmatch(password if colon else user) else match[1]

    def other(match: re.Match[str]) -> str:
        return match[0] if _VARIABLES.fullmatch(match[2]) else f"{match[1]}@"

    return _OTHER_PASSWORD.sub(other, _WEB_USER.sub(web, text))


def _order(entry: LockEntry) -> tuple[Any, ...]:
    return entry.steps, entry.lock.platform, entry.lock.request


def _parse(text: str, path: str, script: str) -> LockFile:
    for number, line in enumerate(text.split("\n"), 1):
        if _CONFLICT.match(line):
            raise _damaged(path, script, number, "a merge has left its conflict marks in it")
    try:
        data = parse_toml(text)
    except ParserError as error:
        raise _damaged(path, script, 0, str(error).rstrip(".")) from None
    version = data.get("version")
    if not isinstance(version, int):
        raise _damaged(path, script, 0, "it does not say `version = 1`")
    if version > VERSION:
        raise EnvironmentFailed(
            f"{path} was written by a newer Falaj (format {version}; this one reads {VERSION}). "
            "Upgrade Falaj, or delete the file and lock anew."
        )
    lines = [n for n, line in enumerate(text.split("\n"), 1) if line.strip() == "[[environment]]"]
    entries: dict[tuple[str, str], LockEntry] = {}
    tables: Any = data.get("environment", [])
    if not isinstance(tables, list):
        raise _damaged(path, script, 0, "`environment` has to be written [[environment]]")
    for index, table in enumerate(cast("list[Any]", tables)):
        line = lines[index] if index < len(lines) else 0
        entry = _entry_from(table, path, script, line)
        key = entry.lock.request, entry.lock.platform
        if key in entries:
            what = f"it holds two answers to one request, of {', '.join(entry.steps)}"
            raise _damaged(path, script, line, what)
        entries[key] = entry
    return LockFile(path, tuple(entries.values()))


def _entry_from(table: Any, path: str, script: str, line: int) -> LockEntry:
    try:
        lock, steps = Lock.from_data(table), tuple(table["steps"])
        packages = (*lock.packages, *lock.conda)
        texts = (*steps, *lock.asked, *(one["name"] for one in packages))
        if all(isinstance(one, str) for one in texts):
            return LockEntry(steps, lock)
    except KeyError as error:
        raise _damaged(path, script, line, f"an entry lacks {error}") from None
    except (TypeError, ValueError):
        # Values of other types than Falaj writes, as below.
        pass
    raise _damaged(path, script, line, "an entry is not what Falaj writes")


def _damaged(path: str, script: str, line: int, what: str) -> UnreadableLockFile:
    place = f"{path}:{line}" if line else path
    return UnreadableLockFile(
        f"{place}: the lock file can't be used, because {what}",
        "Take it back from version control, or write it anew with: "
        f"falaj lock {os.path.basename(script)}",
    )


def _entry_text(entry: LockEntry) -> str:
    data = cast("dict[str, Any]", _clean(entry.lock.to_data()))
    tables = {kind: data.pop(kind, ()) for kind in ("packages", "conda")}
    keys = ("asked", "kind", "python", "platform", "exclude_newer", "request", "custom")
    lines = ["[[environment]]", _line("steps", list(entry.steps))]
    lines += [_line(key, data[key]) for key in keys if key in data]
    for kind, found in tables.items():
        for table in found:
            lines += ["", f"[[environment.{kind}]]"]
            lines += [_line(key, value) for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _clean(value: Any) -> Any:
    """Return lists for tuples, nothing for None, and no credentials."""
    if isinstance(value, Mapping):
        table = cast("Mapping[str, Any]", value)
        return {key: _clean(one) for key, one in table.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in cast("list[Any]", value)]
    return without_credentials(value) if isinstance(value, str) else value


def _line(key: str, value: Any) -> str:
    # Files of a package are one line each, which TOML writers don't offer.
    if isinstance(value, dict):
        return f"{_key(key)} = {_inline(cast('dict[str, Any]', value))}"
    many = cast("list[Any]", value)
    if isinstance(value, list) and many and all(isinstance(one, dict) for one in many):
        rows = "".join(f"    {_inline(one)},\n" for one in many)
        return f"{_key(key)} = [\n{rows}]"
    # Imported here: only writing needs it.
    import tomli_w

    return tomli_w.dumps({key: value}).rstrip("\n")


def _inline(table: dict[str, Any]) -> str:
    return "{ " + ", ".join(_line(key, value) for key, value in table.items()) + " }"


def _key(key: str) -> str:
    import tomli_w

    return tomli_w.dumps({key: 0}).rpartition(" = ")[0]
