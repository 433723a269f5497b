"""Releases whose own metadata no resolver accepts, and the requirements that stand for it."""

from __future__ import annotations

import json
from collections.abc import Mapping

# Each of these says `pytz>=2011k`, which is no version (PEP 440); pip 24.1 and uv refuse them.
# The rest is as the release has it.
_PANDAS = {
    ("numpy>=1.7.0", "python-dateutil>=2", "pytz>=2011.11"): "0.20.0 0.20.1 0.20.2 0.20.3",
    ("numpy>=1.9.0", "python-dateutil>=2", "pytz>=2011.11"): "0.21.0 0.21.1 0.22.0",
    ("numpy>=1.9.0", "python-dateutil>=2.5.0", "pytz>=2011.11"): (
        "0.23.0 0.23.1 0.23.2 0.23.3 0.23.4"
    ),
    ("numpy>=1.12.0", "python-dateutil>=2.5.0", "pytz>=2011.11"): "0.24.0 0.24.1 0.24.2",
}
_BUILT_IN: Mapping[str, tuple[str, ...]] = {
    f"pandas=={version}": requirements
    for requirements, versions in _PANDAS.items()
    for version in versions.split()
}


def metadata_settings(metadata: Mapping[str, tuple[str, ...]]) -> str:
    """Return the text of a uv.toml that gives `name==version` other requirements than its own.

    `metadata` is what a decorator says, which goes before what is known here.
    """
    tables: list[str] = []
    for release, requirements in {**_BUILT_IN, **metadata}.items():
        name, _, version = (part.strip() for part in release.partition("=="))
        lines = [f"name = {_quoted(name)}"]
        if version:
            lines.append(f"version = {_quoted(version)}")
        lines.append(f"requires-dist = [{', '.join(map(_quoted, requirements))}]")
        tables.append("\n".join(["[[dependency-metadata]]", *lines, ""]))
    return "\n".join(tables)


def _quoted(text: str) -> str:
    # A string of JSON in plain ASCII is one of TOML, too.
    return json.dumps(text)
