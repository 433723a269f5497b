"""Files of a code snapshot outside of the store: in a folder or in a tar archive."""

from __future__ import annotations

import io
import os
import tarfile
from typing import IO, Iterable, Tuple

from falaj.errors import FalajException

# Names are relative and lead out of no folder.
Files = Iterable[Tuple[str, bytes]]


class CodeNotWritten(FalajException):
    """Code of a run that can't be written where it was asked for."""

    headline = "Can't write the code"


def write_files(files: Files, folder: str) -> None:
    """Write all files below `folder`; raise CodeNotWritten where a link would lead out of it."""
    root = os.path.realpath(folder)
    for name, contents in files:
        path = os.path.join(root, name)
        try:
            _make_parents(root, name)
            # A link that is there already is replaced, not followed.
            if os.path.islink(path):
                os.unlink(path)
            with open(path, "wb") as file:
                file.write(contents)
        except OSError as error:
            raise CodeNotWritten(
                "{} can't be written: {}.".format(path, error.strerror or error)
            ) from error


def _make_parents(root: str, name: str) -> None:
    folder = root
    for part in name.split("/")[:-1]:
        folder = os.path.join(folder, part)
        if os.path.islink(folder):
            raise CodeNotWritten("{} is a link, which could lead anywhere.".format(folder))
        os.makedirs(folder, exist_ok=True)


def write_archive(files: Files, file: IO[bytes]) -> None:
    """Write all files to a gzipped tar; equal files make equal archives."""
    # Imported here, as nothing else needs it.
    import gzip

    packed = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)
    with packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for name, contents in files:
            member = tarfile.TarInfo(name)
            member.size = len(contents)
            archive.addfile(member, io.BytesIO(contents))


def open_archive(files: Files) -> tarfile.TarFile:
    """Return all files as a tar that is open for reading."""
    held = io.BytesIO()
    write_archive(files, held)
    held.seek(0)
    return tarfile.open(fileobj=held)
