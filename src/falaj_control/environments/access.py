"""How uv gets at what a request or a lock names: indexes, files and repositories, with credentials.

All of it goes through variables of the environment, because a command line can be seen by others
and a file stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from falaj_control.environments.credentials import Credentials, git_variables, split_user
from falaj_control.environments.values import EnvironmentFailed, Request


def index_variables(
    request: Request, environ: Mapping[str, str], credentials: Credentials
) -> dict[str, str]:
    """Return the variables by which uv hears of a request's indexes, besides those of the person.

    Raises EnvironmentFailed where a URL names a variable that is not set, or a folder is absent.
    """
    variables: dict[str, str] = {}
    if request.index_url:
        variables["UV_DEFAULT_INDEX"] = _one_word(credentials.fill(request.index_url))
    if request.extra_index_urls:
        extra = [_one_word(credentials.fill(url)) for url in request.extra_index_urls]
        variables["UV_INDEX"] = " ".join([*extra, *environ.get("UV_INDEX", "").split()])
    if request.find_links:
        links = [_link(credentials.fill(link), request.base) for link in request.find_links]
        own = [one for one in environ.get("UV_FIND_LINKS", "").split(",") if one]
        variables["UV_FIND_LINKS"] = ",".join([*links, *own])
    return variables


class Opened(NamedTuple):
    """Packages whose URLs name no user, and the variables by which uv gets at them all the same."""

    packages: list[dict[str, Any]]
    variables: dict[str, str]


def open_packages(
    packages: Iterable[Mapping[str, Any]], environ: Mapping[str, str], credentials: Credentials
) -> Opened:
    """Return a lock's packages as they can be written to a pylock.toml that others may read.

    `environ` are the variables that uv is going to be called with. Raises EnvironmentFailed where a
    URL names a variable that is not set.
    """
    opened: list[dict[str, Any]] = []
    repositories: list[str] = []
    places: list[str] = []
    for package in packages:
        kept = dict(package)
        for key, found in (("vcs", repositories), ("archive", places)):
            url = kept.get(key, {}).get("url", "")
            head, user, rest = split_user(url)
            if user is not None and head.startswith("http"):
                found.append(credentials.fill(url))
                kept[key] = {**kept[key], "url": head + rest}
        opened.append(kept)
    variables = git_variables(repositories, environ)
    if places:
        # For uv the user of an index is that of all which lies below it.
        below = [url.rpartition("/")[0] + "/" for url in places]
        variables["UV_INDEX"] = " ".join([*environ.get("UV_INDEX", "").split(), *below])
    return Opened(opened, variables)


def folder_url(path: str) -> str:
    """Return the `file://` URL of an absolute path."""
    return Path(path).as_uri()


def _one_word(url: str) -> str:
    return url.strip().replace(" ", "%20")


def _link(link: str, base: str) -> str:
    if "://" in link:
        # A comma would begin the next.
        return _one_word(link).replace(",", "%2C")
    path = os.path.normpath(os.path.join(base, os.path.expanduser(link)))
    if not os.path.exists(path):
        raise EnvironmentFailed(f"find_links names {path}, and nothing is there.")
    return folder_url(path)
