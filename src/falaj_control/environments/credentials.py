"""Credentials in URLs: filled in where they are used, and kept out of whatever is shown or kept."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from urllib.parse import unquote

from falaj_control.environments.values import EnvironmentFailed

_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}")
_PARTS = re.compile(r"(?P<scheme>[A-Za-z][\w+.-]*://)(?:(?P<user>[^/\s]*)@)?(?P<rest>.*)\Z", re.S)
# A user without a password may be a token, but for `ssh://git@host` it never is.
_PASSWORD = re.compile(r"(://)[^/\s@:'\"`]*:[^/\s@'\"`]*@")
_TOKEN = re.compile(r"(https?://)[^/\s@'\"`]+@")
_HIDDEN = "****"
_SHORTEST = 3


class Credentials:
    """Fills `${VARIABLES}` into URLs and remembers what they held, to keep it out of texts."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Take the values of variables from `environ`."""
        self._environ = environ
        self._users: dict[str, str] = {}
        self._parted: dict[str, str] = {}
        self._secrets: dict[str, str] = {}

    def fill(self, url: str) -> str:
        """Return a URL (or any text) with its variables filled in.

        Raises EnvironmentFailed, which names the variable, where one is not set.
        """
        for name in _VARIABLE.findall(url):
            if name not in self._environ:
                raise EnvironmentFailed(
                    f"{self.hide(url)} names the variable {name}, which is not set. Set it where "
                    "the flow is started."
                )
        self._remember(url)
        return self._filled(url)

    def part(self, url: str) -> str:
        """Return a filled-in git URL without its user, who is put back by `seal`.

        The user reaches git by `git_variables`, for which `fill` says who it is.
        """
        head, user, rest = split_user(url)
        template = split_user(self.seal(url))[1]
        if user is not None and template is not None:
            # uv names the repository without revision and folder.
            repository = re.split(r"[@#]", rest)[0]
            self._parted[head.removeprefix("git+") + repository] = template
        return head + rest

    def hide(self, text: str) -> str:
        """Return a text for people: without the passwords of URLs and without filled-in values."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, _HIDDEN)
        return _TOKEN.sub(rf"\1{_HIDDEN}@", _PASSWORD.sub(rf"\1{_HIDDEN}@", text))

    def seal(self, url: str) -> str:
        """Return a URL to be kept: with the names of variables again, and no other password."""
        for filled, template in self._users.items():
            url = url.replace(f"://{filled}@", f"://{template}@")
        for secret in sorted(self._secrets, key=len, reverse=True):
            url = url.replace(secret, self._secrets[secret])
        head, user, rest = split_user(url)
        if user is None and url in self._parted:
            return f"{head}{self._parted[url]}@{rest}"
        name, colon, password = (user or "").partition(":")
        # A user's name is no secret beside a password that a variable holds.
        is_named = not _VARIABLE.sub("", password if colon else name)
        is_plain = user is not None and ":" not in user and not head.startswith("http")
        return url if user is None or is_named or is_plain else head + rest

    def _filled(self, text: str) -> str:
        return _VARIABLE.sub(lambda found: self._environ[found[1]], text)

    def _remember(self, url: str) -> None:
        _, user, rest = split_user(url)
        if user and _VARIABLE.search(user):
            self._users[self._filled(user)] = user
        name, colon, password = (user or "").partition(":")
        path = rest.partition("/")[2]
        # A user alone is a token where it comes from a variable.
        secrets = [password] if colon else [name] if _VARIABLE.search(name) else []
        # A variable may stand for a folder of the server, too; it can't be told from a token.
        for part in (*secrets, *(found[0] for found in _VARIABLE.finditer(path))):
            value = self._filled(part)
            if len(value) >= _SHORTEST:
                template = part if _VARIABLE.search(part) else _HIDDEN
                self._secrets.update({value: template, unquote(value): template})


def split_user(url: str) -> tuple[str, str | None, str]:
    """Return a URL's scheme with `://`, its user (with password, or None), and the rest."""
    found = _PARTS.match(url)
    if found is None:
        return "", None, url
    # An `@` may also begin the revision of a git URL; a user ends before the first `/`.
    return found["scheme"], found["user"], found["rest"]


def git_variables(urls: list[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return variables by which git finds the credentials of web URLs (filled in).

    By a header that is configured in the environment they reach no command line, unlike those in
    a URL, which git hands on to the helpers that it starts. Settings that `environ` gives git stay.
    """
    count = int(environ.get("GIT_CONFIG_COUNT") or 0)
    variables: dict[str, str] = {}
    for url in urls:
        head, user, rest = split_user(url.removeprefix("git+"))
        if user is None or not head.startswith("http"):
            continue
        token = base64.b64encode(unquote(user if ":" in user else user + ":").encode()).decode()
        host = rest.partition("/")[0]
        variables[f"GIT_CONFIG_KEY_{count}"] = f"http.{head}{host}/.extraHeader"
        variables[f"GIT_CONFIG_VALUE_{count}"] = f"Authorization: Basic {token}"
        count += 1
    return {**variables, "GIT_CONFIG_COUNT": str(count)} if variables else {}
