"""Every digest of the system is computed here, under a tag that says what was hashed."""

from __future__ import annotations

import hashlib
from typing import Any

BLOB_TAG = "sha256"
_PREFIX = BLOB_TAG + ":"
HEX_LENGTH = 64


def blob_hasher() -> Any:
    """Return a fresh hash object that takes a blob's raw bytes in order."""
    return hashlib.sha256()


def blob_digest(data: Any) -> str:
    """Return the tagged digest of a blob held in memory (any contiguous buffer)."""
    return _PREFIX + hashlib.sha256(data).hexdigest()


def finish(hasher: Any) -> str:
    """Return the tagged digest of what a `blob_hasher` has taken."""
    return _PREFIX + str(hasher.hexdigest())


def hex_of(digest: str) -> str:
    """Return the bare hex of a tagged digest, refusing anything that is not one.

    A digest becomes a file name, so a malformed one must never get further than this.
    """
    body = digest[len(_PREFIX) :]
    if digest.startswith(_PREFIX) and len(body) == HEX_LENGTH and _HEX.issuperset(body):
        return body
    raise ValueError("not a digest: {!r}".format(digest))


_HEX = frozenset("0123456789abcdef")
