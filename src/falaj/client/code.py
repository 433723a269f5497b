"""The code that a run was started with, as it was then."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple

from falaj.client.access import Access, AccessState, RunFacts

if TYPE_CHECKING:
    from tarfile import TarFile
    from tempfile import TemporaryDirectory


class FalajCode:
    """A run's files by name; contents are read when asked for."""

    def __init__(self, access: Access, digest: str) -> None:
        """Read the listing that `digest` names."""
        # Imported here because `import falaj` must not pay for it.
        import json

        listing: Dict[str, Any] = json.loads(access.store.read(digest).decode())
        self._access = access
        self._digest = digest
        self._script = str(listing["script"])
        self._files: Dict[str, str] = dict(listing["files"])

    @property
    def script_name(self) -> str:
        """The name of the flow's file among `files`."""
        return self._script

    @property
    def files(self) -> List[str]:
        """The names of all files, relative to the folder of the flow."""
        return sorted(self._files)

    @property
    def flowspec(self) -> str:
        """The source of the flow's file."""
        return self.read(self._script).decode("utf-8", "replace")

    @property
    def info(self) -> Dict[str, Any]:
        """What is known of the snapshot: script, number of files, digest."""
        return {"script": self._script, "files": len(self._files), "digest": self._digest}

    @property
    def path(self) -> str:
        """The stored file that lists the snapshot."""
        return self._access.store.path(self._digest)

    def read(self, name: str) -> bytes:
        """Return the bytes of one file; KeyError for a name that is not among `files`."""
        return self._access.store.read(self._files[name])

    def extract(self) -> TemporaryDirectory[str]:
        """Write all files into a temporary folder, which goes when the result is closed.

        Files from outside of the flow's folder come to lie in `outside`, by how far up they were.
        """
        # Imported here because `import falaj` must not pay for it.
        from tempfile import TemporaryDirectory

        from falaj.client.codefiles import write_files

        folder = TemporaryDirectory(prefix="falaj-code-")
        try:
            write_files(files_of(self), folder.name)
        except BaseException:
            folder.cleanup()
            raise
        return folder

    @property
    def tarball(self) -> TarFile:
        """All files as a tar that is open for reading, named as `extract` writes them."""
        # Imported here because `import falaj` must not pay for it.
        from falaj.client.codefiles import open_archive

        return open_archive(files_of(self))

    def __getstate__(self) -> Tuple[AccessState, str]:
        return (self._access.state, self._digest)

    def __setstate__(self, state: Tuple[AccessState, str]) -> None:
        access, digest = state
        self.__init__(Access.restored(access), digest)

    def __repr__(self) -> str:
        return "<FalajCode: {} and {} more files>".format(self._script, len(self._files) - 1)


def files_of(code: FalajCode) -> Iterator[Tuple[str, bytes]]:
    """Yield the files of a snapshot, each under a name that leads out of no folder."""
    for name in code.files:
        yield inside(name), code.read(name)


def inside(name: str) -> str:
    """Return a file's name, relative to the flow's folder, as one that does not lead out of it."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    kept = [part for part in parts if part != ".."]
    if len(kept) == len(parts) and not os.path.isabs(name):
        return "/".join(kept)
    return "/".join(["outside", str(len(parts) - len(kept)), *kept])


def code_of(run: RunFacts) -> Optional[FalajCode]:
    """Return the code of a run, or None where it was not kept."""
    digest = run.record.code
    return None if digest is None else FalajCode(run.access, digest)
