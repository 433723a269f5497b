"""What rattler says when it fails, in the words of Falaj: what happened, why, how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple


class _Kind(NamedTuple):
    """A kind of failure: what shows it, and what Falaj says of it."""

    signs: str
    summary: str
    mend: str


# The first that fits counts. Signs are looked for in `problem: message`.
_KINDS = (
    _Kind(
        r"^Import: No module named 'rattler'",
        "conda packages need py-rattler, which is not installed",
        "Type: pip install 'falaj[conda]'",
    ),
    _Kind(
        r"^Import:",
        "py-rattler, which conda packages need, can't be imported",
        "Reinstall it with: pip install --force-reinstall 'falaj[conda]'",
    ),
    _Kind(
        r"No space left on device|os error 28\b|[Dd]isk quota exceeded",
        "there is no space left on the disk",
        "Free some, or name another place for Falaj's cache in FALAJ_CACHE.",
    ),
    _Kind(
        r"\b40[13] (Unauthorized|Forbidden)",
        "a server refuses access",
        "Give it credentials: by variables in the channel's address, as in "
        "`https://${USER}:${TOKEN}@host/channel`, in ~/.netrc, or in the file that "
        "RATTLER_AUTH_FILE names.",
    ),
    _Kind(
        r"could not find subdir",
        "there is no such channel",
        "Check its spelling. A channel is a name of anaconda.org, a URL, or a path that begins "
        "with `./` or `/`.",
    ),
    _Kind(
        r"\b(404|410) |os error 2\)",
        "a package is not where the lock says",
        "If it was taken back, resolve anew with: falaj lock --upgrade",
    ),
    _Kind(
        r"invalid peer certificate|UnknownIssuer|certificate verify failed",
        "the certificate of a server is not trusted",
        "Name the file with your organisation's certificates in SSL_CERT_FILE.",
    ),
    _Kind(
        r"error sending request|dns error|tcp connect error|timed out|error decoding response",
        "a server can't be reached",
        "Check the network, and the address of the channel.",
    ),
    _Kind(
        r"hash mismatch|^_HashMismatch:",
        "a package is not the file that the lock names",
        "If the new file is to be trusted, resolve anew with: falaj lock --upgrade",
    ),
    _Kind(
        r"^Solver:",
        "there are no packages that satisfy all that is asked for",
        "Loosen or change one of the versions that are named, or add a channel.",
    ),
    _Kind(
        r"^_?Invalid\w*:",
        "it can't be understood",
        "Correct it where it is written.",
    ),
)
_OTHER = _Kind("", "py-rattler could not do it", "")
_HEADLINE = re.compile(r"Cannot solve the request because of: ")


def explain(answer: Mapping[str, str], doing: str, hide: Callable[[str], str]) -> str:
    """Return the message for a failure: rattler's own reasons, and how to mend them.

    `doing` names what was under way; `hide` takes out what is secret.
    """
    said = f"{answer['problem']}: {answer['message']}"
    kind = next((one for one in _KINDS if re.search(one.signs, said)), _OTHER)
    lines = [f"{hide(doing)} failed: {kind.summary}."]
    if not said.startswith("Import: No module named 'rattler'"):
        lines += [f"  {line}" for line in _reasons(hide(answer["message"]))]
    return "\n".join([*lines, kind.mend] if kind.mend else lines)


def _reasons(message: str) -> list[str]:
    """Return the lines of a message; of a chain of causes those with an address, and the last."""
    lines = [line.rstrip() for line in _HEADLINE.sub("", message).splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    return [line for line in lines if line not in causes[:-1] or "://" in line]
