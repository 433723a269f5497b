"""Fetching files of packages, with the credentials that uv would use, verified by SHA-256."""

from __future__ import annotations

import base64
import hashlib
import http.client
import netrc
import os
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from falaj.store.blobs import BlobStore
from falaj_control.environments.credentials import Credentials
from falaj_control.environments.values import EnvironmentFailed

_CHUNK = 1 << 20
_SECONDS_WITHOUT_A_BYTE = 30
_TRIES = 3
_URL_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")

# User and password by scheme, and host with port.
_Known = Mapping[tuple[str, str], tuple[str, str]]


class Downloader:
    """Fetches files into a store; may be used by several threads at once."""

    def __init__(
        self, store: BlobStore, environ: Mapping[str, str], indexes: Iterable[str] = ()
    ) -> None:
        """Take credentials from `indexes` (URLs that may name variables), uv's variables, netrc.

        They go to the scheme, host and port that they are for, and to no other.
        """
        self._store = store
        self._credentials = Credentials(environ)
        self._known = _known_credentials(environ, indexes)
        self._netrc = _read_netrc(environ)
        self._opener = urllib.request.build_opener(_Redirects(self._authorize))

    def fetch(self, url: str, sha256: str, what: str, check: Callable[[], None]) -> None:
        """Put the file at `url` into the store; `check` is called often and may raise.

        Raises EnvironmentFailed, which names `what`, where it can't be had or is another file.
        """
        for left in reversed(range(_TRIES)):
            check()
            try:
                return self._fetch_once(url, sha256, what, check)
            except urllib.error.HTTPError as error:
                error.close()
                if error.code < 500 or not left:
                    raise EnvironmentFailed(_refused(error, url, what)) from None
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", None) or error
                final = isinstance(reason, ssl.SSLCertVerificationError | FileNotFoundError)
                if final or not left:
                    raise EnvironmentFailed(
                        f"Can't fetch {what} from {_shown(url)}: {reason}. Check the network, or "
                        "the server's address."
                    ) from None

    def _fetch_once(self, url: str, sha256: str, what: str, check: Callable[[], None]) -> None:
        hasher = hashlib.sha256()
        with self._open(url) as response, self._store.writer() as writer:
            while chunk := response.read(_CHUNK):
                check()
                hasher.update(chunk)
                writer.write(chunk)
            expected = response.headers.get("Content-Length")
            # Reading in pieces takes a connection that was cut for the end of the file.
            if expected is not None and writer.size < int(expected):
                raise OSError(f"the connection ended after {writer.size} of {expected} bytes")
            if hasher.hexdigest() != sha256:
                raise EnvironmentFailed(
                    f"{what} at {_shown(url)} is not the file that the lock names: its SHA-256 is "
                    f"{hasher.hexdigest()}, not {sha256}. If the new file is to be trusted, "
                    "resolve anew with: falaj lock --upgrade"
                )
            writer.commit()

    def _open(self, url: str) -> Any:
        parts = urlsplit(self._credentials.fill(url))
        request = urllib.request.Request(_bare(parts), headers={"User-Agent": "falaj"})
        self._authorize(request, _user_of(parts))
        return self._opener.open(request, timeout=_SECONDS_WITHOUT_A_BYTE)

    def _authorize(
        self, request: urllib.request.Request, given: tuple[str, str] | None = None
    ) -> None:
        parts = urlsplit(request.full_url)
        found = given or self._known.get(_place(parts)) or self._from_netrc(parts.hostname)
        if found is not None and parts.scheme in ("http", "https"):
            token = base64.b64encode(":".join(found).encode()).decode()
            # Not sent along with a redirection, which may lead to somebody else.
            request.add_unredirected_header("Authorization", f"Basic {token}")

    def _from_netrc(self, host: str | None) -> tuple[str, str] | None:
        found = self._netrc.authenticators(host) if self._netrc is not None and host else None
        return (found[0] or found[1] or "", found[2] or "") if found else None


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections, each with the credentials of the place that it leads to."""

    def __init__(self, authorize: Callable[[urllib.request.Request], None]) -> None:
        self._authorize = authorize

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None:
            self._authorize(request)
        return request


def _known_credentials(environ: Mapping[str, str], indexes: Iterable[str]) -> _Known:
    known: dict[tuple[str, str], tuple[str, str]] = {}
    credentials = Credentials(environ)
    named = [url for variable in _URL_VARIABLES for url in environ.get(variable, "").split()]
    for text in (*indexes, *named):
        name, equals, rest = text.partition("=")
        # `name=https://...` is how uv takes a named index.
        is_named = bool(equals) and re.fullmatch(r"[\w.-]+", name) is not None
        try:
            parts = urlsplit(credentials.fill(rest if is_named else text))
        except EnvironmentFailed:
            # Its variables are not set, so there are no credentials to be had from it.
            continue
        found = _user_of(parts)
        if found is None and is_named:
            found = _of_named_index(name, environ)
        if found is not None:
            known.setdefault(_place(parts), found)
    return known


def _of_named_index(name: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    prefix = "UV_INDEX_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
    user, password = environ.get(f"{prefix}_USERNAME"), environ.get(f"{prefix}_PASSWORD")
    return None if user is None and password is None else (user or "", password or "")


def _read_netrc(environ: Mapping[str, str]) -> netrc.netrc | None:
    home = environ.get("HOME") or os.path.expanduser("~")
    path = environ.get("NETRC") or os.path.join(home, ".netrc")
    try:
        return netrc.netrc(path)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        # uv reads none either then; the server will say that it wants credentials.
        return None


def _user_of(parts: SplitResult) -> tuple[str, str] | None:
    if parts.username is None and parts.password is None:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")


def _place(parts: SplitResult) -> tuple[str, str]:
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def _bare(parts: SplitResult) -> str:
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))


def _shown(url: str) -> str:
    return _bare(urlsplit(url)._replace(query=""))


def _refused(error: urllib.error.HTTPError, url: str, what: str) -> str:
    said = f"Can't fetch {what} from {_shown(url)}: the server answers {error.code} {error.reason}."
    if error.code in (401, 403):
        return f"{said} Give it credentials in ~/.netrc, or in the address of the index."
    if error.code in (404, 410):
        return f"{said} If the release was taken back, resolve anew with: falaj lock --upgrade"
    return f"{said} Try again later."
