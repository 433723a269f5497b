"""The namespace: the tag that a run must carry to be seen by the client."""

from __future__ import annotations

from typing import List, Optional

_DEFAULT_PREFIX = "user:"

# Empty until first asked for: the user's name is read then, not at import, since a program may
# set it up before.
_current: List[Optional[str]] = []


def namespace(ns: Optional[str]) -> Optional[str]:
    """Switch to the namespace `ns`, for this process, and return it; None shows everything."""
    _current[:] = [ns]
    return ns


def get_namespace() -> Optional[str]:
    """Return the current namespace; None means everything."""
    if not _current:
        return default_namespace()
    return _current[0]


def default_namespace() -> str:
    """Go back to the default namespace, `user:` and the user's name, and return it."""
    # Imported here because reading it costs `import falaj` more than all of the client.
    from falaj.home import user_name

    default = _DEFAULT_PREFIX + user_name()
    _current[:] = [default]
    return default
