"""A conda channel in a folder, its packages made on the spot, Python among them."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.interpreters import list_interpreters
from falaj_control.environments.platforms import conda_subdir, local_platform

MINOR = ".".join(map(str, sys.version_info[:2]))
_ASKED = """
import json, sys, sysconfig
paths = [sysconfig.get_path(name) for name in ("stdlib", "purelib")]
print(json.dumps(["%d.%d.%d" % sys.version_info[:3], *paths, sysconfig.get_config_var("LIBDIR")]))
"""


class _Python(NamedTuple):
    """A Python that can be packed: one that keeps packages where conda puts them."""

    executable: Path
    version: str
    stdlib: Path
    libraries: Path


def _packable() -> _Python:
    """Find one of the version that runs the tests; a distribution's own may keep them elsewhere."""
    with tempfile.TemporaryDirectory() as folder:
        listed = list_interpreters(CacheFolders(folder), os.environ)
    for path in [found.path for found in listed if found.minor == MINOR]:
        done = subprocess.run([path, "-I", "-c", _ASKED], capture_output=True, check=True)
        version, stdlib, packages, libraries = json.loads(done.stdout)
        if os.path.basename(packages) == "site-packages":
            return _Python(Path(path), version, Path(stdlib), Path(libraries))
    raise AssertionError(f"no Python {MINOR} here keeps its packages in site-packages: {listed}")


_PACKED = _packable()
PYTHON = _PACKED.version
SUBDIR = conda_subdir(local_platform())
_LEFT_OUT = {"site-packages", "test", "tests", "idlelib", "tkinter", "lib2to3", "ensurepip"}


class CondaChannel:
    """Packages in `folder`; `index` makes what was added known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._entries: dict[str, dict[str, dict[str, Any]]] = {SUBDIR: {}, "noarch": {}}
        for subdir in self._entries:
            (folder / subdir).mkdir(parents=True)

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def add_for(self, subdir: str, name: str, version: str, depends: tuple[str, ...] = ()) -> None:
        """Make a package known that is for another platform and has no file."""
        index = _index(name, version, subdir, depends, 1_600_000_000)
        (self.folder / subdir).mkdir(exist_ok=True)
        entries = self._entries.setdefault(subdir, {})
        entries[f"{name}-{version}-0.conda"] = {**index, "sha256": "0" * 64, "size": 1}

    def add_module(
        self,
        name: str,
        version: str,
        depends: tuple[str, ...] = (),
        made_at: int = 1_600_000_000,
    ) -> None:
        """Add a package of Python, for all platforms, with one module that knows its version."""
        index = _index(name, version, "noarch", ("python", *depends), made_at)
        index["noarch"] = "python"
        module, dist_info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        contents = {
            f"site-packages/{module}.py": f"VERSION = {version!r}\n".encode(),
            f"site-packages/{dist_info}/METADATA": metadata.encode(),
            f"site-packages/{dist_info}/INSTALLER": b"conda\n",
            f"site-packages/{dist_info}/RECORD": b"",
        }
        self._put(index, ".tar.bz2", bz2.compress(_tar({**contents, **_info(index, contents)})))

    def add_python(self, package: Path) -> None:
        """Add the Python that runs the tests, which `make_python` has packed."""
        index = _index("python", PYTHON, SUBDIR, (), 1_600_000_000)
        self._put(index, ".conda", package.read_bytes())

    def index(self) -> CondaChannel:
        """Write what a client reads first."""
        for subdir, entries in self._entries.items():
            data: dict[str, Any] = {
                "info": {"subdir": subdir},
                "packages": {},
                "packages.conda": {},
            }
            for name, entry in entries.items():
                data["packages.conda" if name.endswith(".conda") else "packages"][name] = entry
            (self.folder / subdir / "repodata.json").write_text(json.dumps(data))
        return self

    def _put(self, index: dict[str, Any], suffix: str, content: bytes) -> None:
        name = "{name}-{version}-{build}".format_map(index) + suffix
        (self.folder / index["subdir"] / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        self._entries[index["subdir"]][name] = {**index, "sha256": digest, "size": len(content)}


def _index(
    name: str, version: str, subdir: str, depends: tuple[str, ...], made_at: int
) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "subdir": subdir,
        "depends": list(depends),
        "timestamp": made_at * 1000,
    }


def _info(index: dict[str, Any], contents: Mapping[str, bytes | Path]) -> dict[str, bytes]:
    listed = [
        {
            "_path": path,
            "path_type": "softlink" if _is_link(content) else "hardlink",
            "sha256": hashlib.sha256(_bytes(content)).hexdigest(),
            "size_in_bytes": len(_bytes(content)),
        }
        for path, content in contents.items()
    ]
    info = {"index.json": index, "paths.json": {"paths_version": 1, "paths": listed}}
    if index.get("noarch") == "python":
        info["link.json"] = {"noarch": {"type": "python"}, "package_metadata_version": 1}
    return {f"info/{name}": json.dumps(value).encode() for name, value in info.items()}


def make_python(folder: Path) -> Path:
    """Pack a Python of this machine, as it is without its packages; once is enough."""
    contents = _python_files()
    index = _index("python", PYTHON, SUBDIR, (), 1_600_000_000)
    path = folder / "python.conda"
    stem = f"python-{PYTHON}-0"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("metadata.json", json.dumps({"conda_pkg_format_version": 2}))
        package.writestr(f"pkg-{stem}.tar.zst", _stored(_tar(contents)))
        package.writestr(f"info-{stem}.tar.zst", _stored(_tar(_info(index, contents))))
    return path


def _python_files() -> dict[str, bytes | Path]:
    """Return the files of this Python by where they belong below a prefix."""
    stdlib = _PACKED.stdlib
    found: dict[str, bytes | Path] = {f"bin/python{MINOR}": _PACKED.executable}
    for root, folders, names in os.walk(stdlib):
        folders[:] = [one for one in folders if one not in _LEFT_OUT and one[:7] != "config-"]
        for name in names:
            if ".opt-" in name or name.endswith(".a"):
                continue
            path = Path(root, name)
            found[f"lib/python{MINOR}/{path.relative_to(stdlib)}"] = path
    found[f"lib/python{MINOR}/site-packages/README.txt"] = b"Packages come here.\n"
    for library in _PACKED.libraries.glob(f"libpython{MINOR}*.so.*"):
        found[f"lib/{library.name}"] = library.resolve()
    found["bin/python"] = found["bin/python3"] = Path(f"python{MINOR}")
    return found


def _tar(contents: Mapping[str, bytes | Path]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            if _is_link(content):
                member.type, member.linkname = tarfile.SYMTYPE, str(content)
                archive.addfile(member)
                continue
            member.mode = 0o755 if name.startswith("bin/") else 0o644
            if isinstance(content, Path):
                # Compiled files are good for sources of that time alone.
                member.mtime = int(content.stat().st_mtime)
            member.size = len(_bytes(content))
            archive.addfile(member, io.BytesIO(_bytes(content)))
    return buffer.getvalue()


def _is_link(content: bytes | Path) -> bool:
    return isinstance(content, Path) and not content.is_absolute()


def _bytes(content: bytes | Path) -> bytes:
    if _is_link(content):
        return b""
    return content.read_bytes() if isinstance(content, Path) else content


def _stored(data: bytes) -> bytes:
    """Return a zstd frame that holds `data` as it is, which needs no library and no time."""
    frame = [struct.pack("<IBQ", 0xFD2FB528, 0b1110_0000, len(data))]
    size = 1 << 17
    for start in range(0, len(data), size):
        block = data[start : start + size]
        is_last = start + size >= len(data)
        frame += [struct.pack("<I", len(block) << 3 | is_last)[:3], block]
    return b"".join(frame)
