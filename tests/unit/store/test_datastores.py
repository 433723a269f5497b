"""Blobs that are gone here and come from where a run has uploaded them."""

import sys

import pytest

from falaj import extensions
from falaj.errors import MissingBlob, StoreUnavailable
from falaj.store import datastores
from falaj.store.blobs import FetchingStore

PACKAGE = """
class Halfway:
    def __init__(self, target):
        self.fails = target == "fails"

    def download(self, digest, path):
        with open(path, "wb") as file:
            file.write(b"half")
        if self.fails:
            raise ConnectionError("the line broke")
        return False
"""


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Return a function that makes a store which knows a datastore of an installed package."""
    for kept in ("_installed", "_loaded"):
        monkeypatch.setattr(extensions, kept, {})
    monkeypatch.setattr(datastores, "_made", {})
    metadata = tmp_path / "site" / "halfway-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: halfway\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[falaj.stores]\nhalfway = halfway:Halfway\n")
    (tmp_path / "site" / "halfway.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def make(text):
        root = str(tmp_path / "store")
        datastores.remember(root, text, sys.executable, sys.path)
        return FetchingStore(root)

    return make


@pytest.mark.parametrize("text", ["halfway:fails", "halfway:lacks"])
def test_what_a_datastore_has_begun_to_give_is_not_left_behind(store, tmp_path, text):
    digest = FetchingStore(str(tmp_path / "other")).put(b"a blob")
    with pytest.raises((StoreUnavailable, MissingBlob)):
        store(text).read(digest)
    assert list((tmp_path / "store" / "tmp").iterdir()) == []
    assert not (tmp_path / "store" / "blobs").exists()
