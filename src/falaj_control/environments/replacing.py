"""Files that are read by others at any time: whole, old or new."""

from __future__ import annotations

import os
import tempfile


def replace_file(path: str, data: bytes) -> None:
    """Put `data` in place of a file (0644), making its folder; raises OSError.

    Killed at any point, the old file or the new one is there. A link is followed, so that what it
    points to is replaced.
    """
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True)
    file, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(data)
            # A power cut must not leave an empty file under the final name.
            opened.flush()
            os.fsync(opened.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
