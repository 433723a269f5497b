"""Packages as people ask for them: in the dicts of decorators, and in the lines of files."""

from __future__ import annotations

import re
from typing import Iterable, NamedTuple, Tuple

# Texts, compiled when first used: a flow's import pays only for what its decorators need.
_VERSION = r"[vV]?[0-9][A-Za-z0-9.!_+-]*(?:\.\*)?"
_NAME = r"(?s)([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([\w\s.,-]*)\])?\s*(.*)\Z"
_CLAUSE = r"(===|==|~=|!=|<=|>=|<|>)\s*({})\Z".format(_VERSION)
_BARE_VERSION = _VERSION + r"\Z"
_URL = r"[A-Za-z][A-Za-z0-9+.-]*://"
_USER = r"://([^/\s]*)@"
_VARIABLES = r"(?:\$\{[A-Za-z_][A-Za-z0-9_]*\})+\Z"
_LONGEST_USER = 20
# The form in which conda channels take tokens.
_TOKEN = r"://[^\s]*/t/(?!\$\{)[^/\s]+/"
_CONDA_NAME = r"(?:([^\s:]+)::)?([A-Za-z0-9_][A-Za-z0-9_.-]*)\Z"
_CONDA_EXACT = r"(==?)?\s*([0-9][A-Za-z0-9_.!+-]*?)(\.\*)?(?:(?:=|\s+)([A-Za-z0-9_.*]+))?\Z"
_CONDA_RANGE = r"[A-Za-z0-9_.*+!,|<>=~ -]+\Z"


class Package(NamedTuple):
    """One package of PyPI or of a URL or folder; name and extras are spelled as they were given.

    The name is empty where only a URL is known. `specifier` is a comma list such as `>=1,<2`;
    `reference` is the URL or the path that stands for it.
    """

    name: str
    extras: Tuple[str, ...] = ()
    specifier: str = ""
    reference: str = ""
    marker: str = ""

    @property
    def identity(self) -> str:
        """What two spellings of one package share: its name, or its URL without the revision."""
        if self.name:
            return normalised(self.name)
        scheme, _, rest = self.reference.partition("://")
        host, slash, path = rest.partition("/")
        place, mark, fragment = path.partition("#")
        return scheme + "://" + host + slash + place.partition("@")[0] + mark + fragment

    @property
    def requirement(self) -> str:
        """The package as one line of PEP 508, names normalised; a bare URL where it has no name."""
        named = with_extras(normalised(self.name), sorted(map(normalised, self.extras)))
        if not self.reference:
            return named + self.specifier + ("; " + self.marker if self.marker else "")
        text = "{} @ {}".format(named, self.reference) if self.name else self.reference
        # A `;` may be part of a URL: only one behind a space begins a marker.
        return text + (" ; " + self.marker if self.marker else "")


def with_extras(name: str, extras: Iterable[str]) -> str:
    """Return `name[extra,other]`, or the name alone."""
    listed = ",".join(extras)
    return "{}[{}]".format(name, listed) if listed else name


def normalised(name: str) -> str:
    """Return a package's name as PEP 503 spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_package(key: str, value: str) -> Package:
    """Return the package that an entry of `packages` asks for.

    Raises ValueError with a sentence on what is wrong and how to mend it.
    """
    key, value = key.strip(), value.strip()
    if "://" in key and re.match(_URL, key):
        return _by_url(key, value)
    name, extras, rest = _name_of(key)
    if rest.startswith("@"):
        if value:
            raise ValueError("{!r} names its source already; leave {!r} empty.".format(key, value))
        value = rest
    elif rest:
        raise ValueError("{!r} is no name of a package; put the version behind it.".format(key))
    if "://" in value and re.match(_URL, value):
        raise ValueError("{!r} is a source; write it as '@ {}'.".format(value, value))
    return _completed(name, extras, value, bare=True)


def parse_requirement(line: str) -> Package:
    """Return the package that a line of PEP 508, or a bare URL, asks for; raise ValueError."""
    line = line.strip()
    if "://" in line and re.match(_URL, line):
        return _by_url(line, "")
    name, extras, rest = _name_of(line)
    if rest.startswith("("):
        rest = rest[1:].replace(")", "", 1)
    return _completed(name, extras, rest, bare=False)


def specifier_of(text: str, bare: bool = True) -> str:
    """Return a comma list of version clauses without spaces; raise ValueError for anything else.

    With `bare`, a version alone means exactly that one.
    """
    text = text.strip()
    if bare and re.match(_BARE_VERSION, text):
        return "==" + text
    clauses = [clause.strip() for clause in text.split(",") if clause.strip()]
    for clause in clauses:
        if clause != "*" and not re.match(_CLAUSE, clause):
            raise ValueError(
                "{!r} is no version; write '1.2', '1.*', '>=1.0,<2' or '' for any.".format(text)
            )
    return ",".join(re.sub(r"\s+", "", clause) for clause in clauses if clause != "*")


def has_secret(text: str) -> bool:
    """Whether a URL in `text` holds a password or token itself instead of naming a variable."""
    if "://" not in text:
        return False
    for found in re.findall(_USER, text):
        user, colon, password = found.partition(":")
        secret = password or (user if colon or len(user) >= _LONGEST_USER else "")
        if secret and not re.match(_VARIABLES, secret):
            return True
    return bool(re.search(_TOKEN, text))


def without_secrets(text: str) -> str:
    """Return a text whose URLs name no user and no token."""
    return re.sub(r"/t/[^/\s]+/", "/t/***/", re.sub(_USER, "://***@", text))


def conda_name(key: str) -> str:
    """Return the name in a key such as `conda-forge::numpy`; raise ValueError for none."""
    found = re.match(_CONDA_NAME, key.strip())
    if found is None:
        raise ValueError("{!r} is no name of a conda package.".format(key))
    return found.group(2).lower()


def conda_spec(key: str, value: str) -> str:
    """Return the match spec that an entry of conda's `packages` asks for; raise ValueError.

    `1.2` means exactly that version, `=1.2` any that begins so, as in conda's own files.
    """
    name, value = conda_name(key), value.strip()
    channel = key.strip().rpartition("::")[0]
    named = "{}::{}".format(channel, name) if channel else name
    if value in ("", "*"):
        return named
    exact = re.match(_CONDA_EXACT, value)
    if exact is not None:
        equals, version, star, build = exact.groups()
        begins = star or equals == "="
        version = version + ".*" if begins else "==" + version
        return " ".join(part for part in (named, version, build) if part)
    if not re.match(_CONDA_RANGE, value) or re.search(r"[\w*]\s+[\w*]", value):
        raise ValueError(
            "{!r} is no version of a conda package; write '1.2', '1.2.*', '>=1.0,<2' or '' for "
            "any.".format(value)
        )
    return "{} {}".format(named, value.replace(" ", ""))


def _name_of(text: str) -> Tuple[str, Tuple[str, ...], str]:
    found = re.match(_NAME, text)
    if found is None:
        raise ValueError("{!r} is no name of a package.".format(text))
    name, extras, rest = found.groups()
    names = tuple(one.strip() for one in (extras or "").split(",") if one.strip())
    return name, names, rest.strip()


def _completed(name: str, extras: Tuple[str, ...], rest: str, bare: bool) -> Package:
    if rest.startswith("@"):
        reference, _, marker = (rest[1:].strip() + " ").partition(" ;")
        reference = reference.strip()
        if not reference or " " in reference:
            raise ValueError("{!r} names no source; write '@ URL' or '@ ./folder'.".format(rest))
        return Package(name, extras, "", reference, marker.strip())
    version, _, marker = rest.partition(";")
    return Package(name, extras, specifier_of(version, bare), "", marker.strip())


def _by_url(url: str, value: str) -> Package:
    if " " in url:
        raise ValueError("{!r} is no URL.".format(url))
    revision = value[1:].strip() if value.startswith("@") else ""
    if value and not revision:
        raise ValueError(
            "{!r} is no revision of {!r}; write '@' and a branch, tag or commit, or leave it "
            "empty.".format(value, url)
        )
    place, mark, fragment = url.partition("#")
    return Package("", (), "", place + ("@" + revision if revision else "") + mark + fragment)
