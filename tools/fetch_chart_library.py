"""Fetches the chart library that cards bring, from npm, at the versions that the code names.

A file whose digest is not the one in `falaj.cards.assets` is not kept: to change a version, change
version and digest there, and run this again.
"""

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from falaj.cards.assets import VEGA, folder

# Bundled in vega-embed.min.js.
FURTHER_LICENCES = {"vega-interpreter": "2.3.2"}


def main() -> int:
    """Fetch every file and licence; return the exit status."""
    target = Path(folder())
    target.mkdir(exist_ok=True)
    wrong = 0
    for name, source in VEGA.items():
        members = fetched(source["package"], source["version"])
        data = members[source["path"]]
        digest = hashlib.sha256(data).hexdigest()
        if digest != source["sha256"]:
            print(f"{name}: SHA-256 is {digest}, not {source['sha256']}", file=sys.stderr)
            wrong += 1
            continue
        (target / name).write_bytes(data)
        (target / f"LICENSE.{source['package']}").write_bytes(members["LICENSE"])
    for package, version in FURTHER_LICENCES.items():
        (target / f"LICENSE.{package}").write_bytes(fetched(package, version)["LICENSE"])
    return 1 if wrong else 0


def fetched(package: str, version: str) -> dict[str, bytes]:
    """Return the files of a package of npm by their names within it."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(
            ["npm", "pack", "--silent", f"{package}@{version}"], cwd=place, check=True, timeout=300
        )
        archive = next(Path(place).glob("*.tgz")).read_bytes()
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for member in members:
            file = members.extractfile(member)
            if file is not None:
                found[member.name.partition("/")[2]] = file.read()
    return found


if __name__ == "__main__":
    sys.exit(main())
