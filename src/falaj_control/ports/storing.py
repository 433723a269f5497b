"""Where blobs are kept besides the home: a package's store, and what takes a run's blobs there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Store(Protocol):
    """A durable place for blobs; called by several threads and processes at once.

    Made with the text that follows the name in `--datastore NAME:TARGET`. A digest is the SHA-256
    of a blob in 64 hex digits. What goes wrong is raised, and tried again.
    """

    def upload(self, digest: str, path: str) -> None:
        """Keep the bytes of the file `path`; once this returns they are there for good.

        A blob that is there already may be written again, and is then the same.
        """
        ...

    def download(self, digest: str, path: str) -> bool:
        """Write the bytes of a blob to the new file `path`; say whether it is there at all.

        The caller compares them with the digest.
        """
        ...

    def exists(self, digest: str) -> bool:
        """Say whether the blob is there, whole."""
        ...


class Uploads(Protocol):
    """Takes a run's blobs to its store, beside the run; used from one thread."""

    @property
    def is_busy(self) -> bool:
        """Say whether something is still to be uploaded."""
        ...

    @property
    def problem(self) -> str:
        """Why not everything that was taken could be uploaded, or nothing."""
        ...

    def take(self, texts: Iterable[str]) -> None:
        """Upload the blobs that recorded texts name, and all that these refer to."""
        ...

    def finish(self) -> None:
        """Upload whatever the records of the run name and is not uploaded yet."""
        ...

    def close(self) -> None:
        """Give up what is not uploaded yet."""
        ...
