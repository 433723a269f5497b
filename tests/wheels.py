"""Wheels that tests make: a module with a version, for any Python."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path


def wheel_bytes(name: str, version: str, requires: Sequence[str] = (), source: str = "") -> bytes:
    """Return a wheel with the module `name`, whose `version` is its own, and more `source`."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    held = io.BytesIO()
    files = {
        f"{name}.py": f"version = '{version}'\n{source}",
        f"{info}/METADATA": (f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(held, "w") as file:
        for path, text in files.items():
            # Of a fixed date, so that equal wheels are equal files.
            file.writestr(zipfile.ZipInfo(path), text)
    return held.getvalue()


def make_wheel(
    folder: Path, name: str, version: str, requires: Sequence[str] = (), source: str = ""
) -> Path:
    """Write a wheel into `folder`, which is made, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    path.write_bytes(wheel_bytes(name, version, requires, source))
    return path
