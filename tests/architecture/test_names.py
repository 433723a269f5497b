"""Files are named for what they hold."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
EMPTY_WORDS = {"utils", "util", "common", "helper", "helpers", "manager", "managers", "misc"}


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    paths = [
        path
        for top in ("src", "tests", "examples", "benchmarks")
        for path in (ROOT / top).rglob("*")
        if (path.suffix == ".py" or path.is_dir())
        # What tools and tests leave behind is hidden, and not ours to name.
        and not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    ]
    assert paths
    assert [path for path in paths if EMPTY_WORDS & set(path.stem.lower().split("_"))] == []
