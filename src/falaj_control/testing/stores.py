"""What every datastore must do: checks on real blobs.

A test runs one with `run_check(name, make, folder)`, for each name of CHECKS: `make` returns the
store, each time a new object for the same place, which is empty at first.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from falaj.hashing import blob_digest, hex_of
from falaj_control.ports.storing import Store

Make = Callable[[], Store]


class Blobs:
    """Blobs in files of a folder, to be uploaded, and files to download to."""

    def __init__(self, folder: str) -> None:
        """Write everything into `folder`."""
        self._folder = folder
        self._count = 0

    def write(self, data: bytes) -> tuple[str, str]:
        """Write a blob to a file; return its digest and the file's path."""
        path = self.unused()
        with open(path, "wb") as file:
            file.write(data)
        return hex_of(blob_digest(data)), path

    def unused(self) -> str:
        """Return a path where nothing is."""
        self._count += 1
        return os.path.join(self._folder, f"blob-{self._count}")

    def read_back(self, store: Store, digest: str) -> bytes:
        """Download a blob and return its bytes."""
        path = self.unused()
        assert store.download(digest, path) is True, "download says that the blob is not there"
        with open(path, "rb") as file:
            return file.read()


def what_is_uploaded_comes_back(make: Make, blobs: Blobs) -> None:
    """Empty, small, binary and large blobs are given back as they were."""
    store = make()
    for data in (b"", b"x", bytes(range(256)) * 3, os.urandom(9 << 20)):
        digest, path = blobs.write(data)
        assert store.exists(digest) is False, "exists says True before the upload"
        store.upload(digest, path)
        assert store.exists(digest) is True, "exists says False after the upload"
        assert blobs.read_back(store, digest) == data, f"{len(data)} bytes came back otherwise"


def what_is_missing_is_told(make: Make, blobs: Blobs) -> None:
    """A blob that is not there is False, and leaves no file."""
    digest, _ = blobs.write(b"never uploaded")
    path = blobs.unused()
    assert make().download(digest, path) is False
    assert not os.path.exists(path), "a file was left for a blob that is not there"


def uploading_again_changes_nothing(make: Make, blobs: Blobs) -> None:
    """The second upload of a blob succeeds and leaves the same bytes."""
    store = make()
    digest, path = blobs.write(b"twice")
    store.upload(digest, path)
    store.upload(digest, path)
    assert blobs.read_back(store, digest) == b"twice"


def another_process_sees_it(make: Make, blobs: Blobs) -> None:
    """What one object has uploaded is there for another object of the same place."""
    digest, path = blobs.write(b"shared")
    make().upload(digest, path)
    os.unlink(path)
    assert make().exists(digest) is True
    assert blobs.read_back(make(), digest) == b"shared"


def what_can_not_be_read_is_raised(make: Make, blobs: Blobs) -> None:
    """An upload that fails raises, and leaves nothing that is taken for the blob."""
    digest, path = blobs.write(b"gone")
    os.unlink(path)
    store = make()
    try:
        store.upload(digest, path)
    except Exception:
        assert store.exists(digest) is False
        return
    raise AssertionError("uploading a file that is not there raised nothing")


def many_threads_share_one_object(make: Make, blobs: Blobs) -> None:
    """Uploads and downloads run at the same time, also of the same blob."""
    store = make()
    written = [blobs.write(b"%d" % (number // 2)) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for upload in [pool.submit(store.upload, *one) for one in written]:
            upload.result()
    assert all(store.exists(digest) for digest, _ in written)
    for number, (digest, _) in enumerate(written):
        assert blobs.read_back(store, digest) == b"%d" % (number // 2)


CHECKS: dict[str, Callable[[Make, Blobs], None]] = {
    check.__name__: check
    for check in (
        what_is_uploaded_comes_back,
        what_is_missing_is_told,
        uploading_again_changes_nothing,
        another_process_sees_it,
        what_can_not_be_read_is_raised,
        many_threads_share_one_object,
    )
}


def run_check(name: str, make: Make, folder: str) -> None:
    """Run one check, with files in `folder`; raise AssertionError, or what the store raises."""
    CHECKS[name](make, Blobs(folder))
