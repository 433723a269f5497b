"""The package of the guide, as its reader writes, installs and uses it."""

import re
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "extensions.md"
FILE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.M | re.S)


def test_the_package_of_the_guide(make_environment, with_python, tmp_path) -> None:
    for name, text in FILE.findall(GUIDE.read_text(encoding="utf-8")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    python = make_environment("guide", tmp_path)
    listed = with_python(python, "-m", "falaj_control.cli.main", "extensions").stdout
    assert "falaj-loud 1.0" in listed
    told = ["--with", "loud:word=NOW", "--notify", "notebook:runs.txt"]
    assert "NOW start" in with_python(python, "hello.py", "run", *told).stdout
    assert (tmp_path / "runs.txt").read_text() == "HelloFlow/1 succeeded \n"
