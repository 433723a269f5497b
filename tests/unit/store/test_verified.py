"""Notes of verified blobs: good for one state of one file, and never in the way."""

import os
from pathlib import Path

import pytest

from falaj.hashing import blob_digest
from falaj.store.verified import file_stamp, is_noted, note_verified

DIGEST = blob_digest(b"some blob")


def stamp_of(path: Path) -> str:
    file = os.open(path, os.O_RDONLY)
    try:
        return file_stamp(file)
    finally:
        os.close(file)


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    path = tmp_path / "blob"
    path.write_bytes(b"some blob")
    return path


def test_a_note_holds_for_the_file_as_it_was(tmp_path, blob):
    root = str(tmp_path / "store")
    assert not is_noted(root, DIGEST, stamp_of(blob))
    note_verified(root, DIGEST, stamp_of(blob))
    assert is_noted(root, DIGEST, stamp_of(blob))
    assert not is_noted(root, blob_digest(b"other"), stamp_of(blob))


@pytest.mark.parametrize("change", ["written", "grown", "replaced", "touched"])
def test_any_change_of_the_file_voids_the_note(tmp_path, blob, change):
    root = str(tmp_path / "store")
    note_verified(root, DIGEST, stamp_of(blob))
    if change == "written":
        os.utime(blob, ns=(1, 1))
        blob.write_bytes(b"same size")
    elif change == "grown":
        blob.write_bytes(b"some blob and more")
    elif change == "replaced":
        other = tmp_path / "other"
        other.write_bytes(b"some blob")
        os.replace(other, blob)
    else:
        os.utime(blob, ns=(5, 5))
    assert not is_noted(root, DIGEST, stamp_of(blob))


def test_a_restart_of_the_machine_voids_the_note(tmp_path, blob):
    root = str(tmp_path / "store")
    note_verified(root, DIGEST, stamp_of(blob))
    (note,) = (path for path in Path(root).rglob("*") if path.is_file())
    boot, _, rest = note.read_text().partition(" ")
    assert rest == stamp_of(blob)
    note.write_text("another-" + boot + " " + rest)
    assert not is_noted(root, DIGEST, stamp_of(blob))


@pytest.mark.parametrize("text", ["", "x", "\0" * 50])
def test_a_damaged_note_is_no_note(tmp_path, blob, text):
    root = str(tmp_path / "store")
    note_verified(root, DIGEST, stamp_of(blob))
    (note,) = (path for path in Path(root).rglob("*") if path.is_file())
    note.write_text(text)
    assert not is_noted(root, DIGEST, stamp_of(blob))


def test_a_note_that_can_not_be_written_is_done_without(tmp_path, blob):
    (tmp_path / "verified").write_text("in the way")
    note_verified(str(tmp_path), DIGEST, stamp_of(blob))
    assert not is_noted(str(tmp_path), DIGEST, stamp_of(blob))


def test_notes_leave_no_temporary_files(tmp_path, blob):
    for _ in range(3):
        note_verified(str(tmp_path / "store"), DIGEST, stamp_of(blob))
    assert len([path for path in (tmp_path / "store").rglob("*") if path.is_file()]) == 1
