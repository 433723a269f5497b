"""Which packages' entry points are found, wherever and however often their metadata lie."""

import sys

import pytest

from falaj import extensions


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a function that puts a folder with a package's metadata at the path's beginning."""
    for kept in ("_installed", "_loaded"):
        monkeypatch.setattr(extensions, kept, {})
    monkeypatch.setattr(sys, "path", list(sys.path))

    def make(name, version, entry="", stem="parcel"):
        made = tmp_path / f"{version}-{len(sys.path)}" / f"{stem}-{version}.dist-info"
        made.mkdir(parents=True)
        (made / "METADATA").write_text(f"Metadata-Version: 2.1\n{name}\nVersion: {version}\n")
        if entry:
            (made / "entry_points.txt").write_text(f"[falaj.cards]\n{entry} = json:loads\n")
        sys.path.insert(0, str(made.parent))
        return str(made.parent)

    return make


def found():
    return [(one.name, one.version) for one in extensions.installed("cards")]


def test_a_folder_that_is_twice_on_the_path_is_no_clash(folder):
    sys.path.append(folder("Name: Par.cel", "1.0", "parcels", "Par.cel"))
    assert found() == [("parcels", "1.0")]
    assert extensions.load("cards", "parcels") is not None


def test_of_a_package_that_is_there_twice_the_one_that_is_imported_counts(folder):
    folder("Name: parcel", "1.0", "old")
    folder("Name: parcel", "2.0", "new")
    assert found() == [("new", "2.0")]


def test_what_only_an_earlier_version_gives_is_not_there(folder):
    folder("Name: parcel", "1.0", "old")
    folder("Name: parcel", "2.0")
    assert found() == []


@pytest.mark.parametrize("name", ["Name: other", "Name:", "Nom: parcel"])
def test_odd_metadata_do_no_harm(folder, name):
    folder("Name: parcel", "1.0", "one")
    folder(name, "2.0", "two", "odd")
    assert ("one", "1.0") in found()
