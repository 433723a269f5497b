"""Secrets in a file: of lines NAME=value, or one JSON object."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, cast

from falaj_control.secrets.dotenv import MalformedLine, parse_dotenv
from falaj_control.secrets.places import Source, as_variables

_FORMATS = ("env", "json")
_LARGEST = 1 << 20


class FileSecrets:
    """Gives what a file holds, whose path begins where the flow's file lies; see the protocol."""

    def check(self) -> None:
        """Do nothing: it needs nothing."""

    def fetch(self, source: Source) -> Mapping[str, str]:
        """Return the variables; see the protocol."""
        path = os.path.join(source.folder, os.path.expanduser(source.id))
        named = source.chosen(format=str).get("format")
        if named is not None and named not in _FORMATS:
            source.refuse(f"`format` is env or json, not {named!r}.")
        text = self._read(source, path)
        if (named or ("json" if path.endswith(".json") else "env")) == "json":
            return as_variables(source, self._object(source, path, text))
        try:
            return parse_dotenv(text)
        except MalformedLine as error:
            source.refuse(f"{path}:{error.line}: {error}")

    def _read(self, source: Source, path: str) -> str:
        try:
            with open(path, encoding="utf-8-sig") as file:
                text = file.read(_LARGEST + 1)
        except OSError as error:
            source.refuse(f"{path} can't be read: {error.strerror}.")
        except UnicodeDecodeError:
            source.refuse(f"{path} is not a text in UTF-8.")
        if len(text) > _LARGEST:
            source.refuse(f"{path} is larger than 1 MiB.")
        return text

    def _object(self, source: Source, path: str, text: str) -> Mapping[str, Any]:
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            source.refuse(f"{path}:{error.lineno}: this is no JSON ({error.msg}).")
        except RecursionError:
            source.refuse(f"{path} is nested too deeply.")
        if not isinstance(value, dict):
            source.refuse(f"{path} holds JSON that is no object of names and values.")
        return cast("dict[str, Any]", value)
