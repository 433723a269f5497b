"""What uv says when it fails, made a message: what happened, uv's reasons, how to mend it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

_BUILD_LINES = 20
_REASON_LINES = 20
# uv sets lists of versions in by this much, and text that goes on by less.
_LIST_INDENT = 10
_NOISE = re.compile(
    r"\s*(warning: (The `--pylock`|`VIRTUAL_ENV=)|Using (CPython|PyPy|Python) |Resolved \d|"
    r"Prepared \d|Would |Updat(ing|ed) |Building |Built |Download(ing|ed) |Searched |"
    r"For more information, try )"
)
# What stands before a line's text: of uv 0.13, and of versions before it.
_LEAD = re.compile(r"^(error:|cause:|Caused by:|[\u00d7│├╰]─?▶?|\s)+ ?")
_HEADLINE = re.compile(r"No solution found when resolving .*")
_HOST = re.compile(r"(?:https?|file)://(?:[^/\s@]*@)?([^/\s)`'\"]+)")
_PIP_PLACES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")
_PIP_FILES = ("~/.config/pip/pip.conf", "~/.pip/pip.conf", "/etc/pip.conf")
_PIP_SETTING = re.compile(r"(?m)^\s*(index-url|extra-index-url|find-links)\s*[=:]")


class _Kind(NamedTuple):
    """A kind of failure: what uv's text shows it by, and what Falaj says of it."""

    signs: str
    summary: str
    mend: str


# The first that fits counts: what stops everything stands before what it leads to.
_KINDS = (
    _Kind(
        r"No space left on device|os error 28\b|[Dd]isk quota exceeded",
        "there is no space left on the disk",
        "Free some, or have uv keep its files elsewhere (UV_CACHE_DIR).",
    ),
    _Kind(
        r"\b40[13] (Unauthorized|Forbidden)|[Aa]uthentication failed|could not read Username|"
        r"authentication credentials",
        "{host} refuses access",
        "Give it credentials: by variables in its address, as in "
        "`https://${{USER}}:${{TOKEN}}@host/simple`, or in ~/.netrc, or as uv takes them.",
    ),
    _Kind(
        r"network was disabled|[Nn]etwork connectivity is disabled|network is disabled",
        "uv is told not to use the network (UV_OFFLINE), and its cache does not hold everything",
        "Run this once with a network; what is resolved then needs none.",
    ),
    _Kind(
        r"invalid peer certificate|UnknownIssuer|certificate verify failed",
        "the certificate of {host} is not trusted",
        "Name the file with your organisation's certificates in SSL_CERT_FILE, or set "
        "UV_SYSTEM_CERTS=1 (before uv 0.9: UV_NATIVE_TLS=1) to trust those of this machine.",
    ),
    _Kind(
        r"error sending request|dns error|tcp connect error|Connection refused|timed out|"
        r"Could not resolve host|connection closed|Failed to connect to|unreachable",
        "{host} can't be reached",
        "Check the network, and the address of the index.",
    ),
    _Kind(
        r"lockfile .*needs to be updated|Unable to find lockfile",
        "uv.lock does not fit what the project asks for any more",
        "Bring it up to date with: uv lock",
    ),
    _Kind(
        r"Failed to build|build backend returned an error|Failed to download and build",
        "a package could not be built from its source",
        "Ask for a version that has a wheel for this Python, choose another Python, or install "
        "what the build misses.",
    ),
    _Kind(
        r"invalid metadata|metadata at .* is invalid|Metadata for .* could not be parsed",
        "a release has metadata that uv can't read",
        "Say what that release requires, as in "
        'metadata={{"name==1.0": ["other>=2"]}}, or ask for another version.',
    ),
    _Kind(
        r"has no (usable )?wheels|no (compatible )?wheels? (with|for)|"
        r"doesn't have a source distribution or wheel",
        "a package has no file for this Python and platform",
        "Ask for a version that has one, or choose another Python.",
    ),
    _Kind(
        r"(current|requested|specified) Python version .*does not satisfy|"
        r"incompatible with the (project|`pylock)",
        "this Python is not one that is asked for",
        'Choose another Python, as in python="3.11", or versions of the packages that suit it.',
    ),
    _Kind(
        r"filtered by `exclude-newer`",
        "nothing that is old enough satisfies all that is asked for",
        "Choose a later exclude_newer, or other versions.",
    ),
    _Kind(
        r"was not found in|no versions? of|Distribution not found at",
        "a package or version that is asked for does not exist where uv looks",
        "Check its spelling, and that the index that has it is named.",
    ),
    _Kind(
        r"No solution found",
        "there are no versions that satisfy all that is asked for",
        "Loosen or change one of the requirements that are named.",
    ),
    _Kind(
        r"Couldn't parse requirement|Failed to parse|invalid value ",
        "what is asked for can't be understood",
        "Correct it where it is written.",
    ),
)
_OTHER = _Kind("", "uv could not do it", "")


def explain(doing: str, said: str, environ: Mapping[str, str]) -> str:
    """Return the message for a failure of uv: its own reasons, and how to mend them.

    `doing` names what was under way (`Resolving the packages`); `said` is uv's stderr, in which
    nothing is secret any more.
    """
    kind = next((one for one in _KINDS if re.search(one.signs, said)), _OTHER)
    host = _HOST.search(said)
    words = {"host": host[1] if host else "a server"}
    lines = [f"{doing} failed: {kind.summary.format(**words)}."]
    reasons = _reasons(said)
    lines += [f"  {line}".rstrip() for line in reasons]
    if kind.mend:
        lines.append(kind.mend.format(**words))
    if re.search("was not found in the (package registry|provided)", said):
        lines += _pip_hint(environ)
    return "\n".join(lines)


def _reasons(said: str) -> list[str]:
    """Return uv's lines without decoration: of a proof, and of a build's output, the last ones."""
    kept: list[str] = []
    output: list[str] = []
    in_build = False
    for raw in said.splitlines():
        if not raw.strip() or _NOISE.match(raw):
            continue
        in_build = in_build or raw.strip() in ("[stdout]", "[stderr]")
        if not in_build:
            kept.append(_plain(raw))
        elif not raw.strip().startswith("hint:"):
            output.append(raw.rstrip())
    kept = [line for line in kept if not _HEADLINE.match(line)]
    if len(kept) > _REASON_LINES:
        # The conclusion is at the end of what may be hundreds of lines.
        kept = ["...", *kept[-_REASON_LINES:]]
    margin = min((len(line) - len(line.lstrip()) for line in output), default=0)
    return kept + [f"  {line[margin:]}" for line in output[-_BUILD_LINES:]]


def _plain(raw: str) -> str:
    text = _LEAD.sub("", raw).rstrip()
    is_listed = raw.startswith(" " * _LIST_INDENT)
    return f"  {text}" if is_listed else text


def _pip_hint(environ: Mapping[str, str]) -> list[str]:
    """Tell of places that pip has been told of, which are none of uv's."""
    if any(environ.get(name) for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS")):
        return []
    found = [name for name in _PIP_PLACES if environ.get(name)]
    files = (environ.get("PIP_CONFIG_FILE", ""), *_PIP_FILES)
    found += [path for path in files if _names_places(path)]
    if not found:
        return []
    return [
        f"Places for packages are set for pip ({', '.join(found)}), which uv does not read: "
        "name them by index_url, extra_index_urls or find_links in the decorator, or for all of "
        "uv by UV_DEFAULT_INDEX, UV_INDEX or UV_FIND_LINKS."
    ]


def _names_places(path: str) -> bool:
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            return _PIP_SETTING.search(file.read()) is not None
    except (OSError, UnicodeDecodeError):
        return False
