"""Runs a document as its reader would: writes its files, types its commands, compares the output.

What the fences say (`docs/README.md` tells it to writers, too):

- `title="films.py"` is a file to save; a `diff` with a title changes the file that is there.
- `console` holds commands behind `$ ` and what they print; `exit=1` says how the last one ends.
  A line `...` stands for any lines, `...` within a line for any text.
- `pycon` is a session at Python's prompt, each in a process of its own.
- `python` without a title is a script that must end without an exception.
- `console install` is not run: it fetches packages. Its commands are compared with the Makefile.
- `text` and `mermaid` are for people alone.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import falaj

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SOURCES = Path(falaj.__file__).resolve().parents[1]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')
FOR_PEOPLE = ("text", "mermaid")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, the rest of its info string, its text and its line."""

    language: str
    rest: str
    body: str
    line: int

    @property
    def title(self) -> str | None:
        """The file that the block is about."""
        found = TITLE.search(self.rest)
        return found.group(1) if found else None


def blocks_of(path: Path) -> list[Block]:
    """Return the fenced blocks of a Markdown file in order."""
    text = path.read_text(encoding="utf-8")
    found: list[Block] = []
    for match in FENCE.finditer(text):
        language, _, rest = match["info"].strip().partition(" ")
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(language, rest, match["body"], line))
    return found


class Reader:
    """Follows one document in an empty folder with a Falaj home of its own."""

    def __init__(self, document: Path, folder: Path) -> None:
        self.document = document
        self.folder = folder / "work"
        self.folder.mkdir()
        # The nearest home upwards: results stay here unless the document makes one of its own.
        (folder / ".falaj").mkdir()
        programs = folder / "bin"
        programs.mkdir()
        _program(programs / "python", '"$@"')
        _program(programs / "falaj", '-m falaj_control.cli.main "$@"')
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("FALAJ_", "METAFLOW_", "LC_", "PYTEST_"))
        }
        self.environment = {
            **kept,
            "PATH": f"{programs}{os.pathsep}{kept.get('PATH', '')}",
            "PYTHONPATH": str(SOURCES),
            "FALAJ_USER": "you",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
        }

    def follow(self) -> None:
        """Do all that the document says; fail at the first block that does not hold."""
        for block in blocks_of(self.document):
            self.do(block)

    def do(self, block: Block) -> None:
        """Do what one block says."""
        place = f"{self.document.relative_to(ROOT)}:{block.line}"
        if block.language == "diff" and block.title:
            self.change(block.title, block.body, place)
        elif block.title:
            (self.folder / block.title).write_text(block.body, encoding="utf-8")
        elif block.language == "console" and block.rest == "install":
            self.compare_install(block, place)
        elif block.language == "console":
            self.type(block, place)
        elif block.language == "pycon":
            self.at_prompt(block, place)
        elif block.language == "python":
            self.script(block, place)
        elif block.language not in FOR_PEOPLE:
            pytest.fail(f"{place}: a block of {block.language!r} is nothing that can be tested")

    def change(self, name: str, diff: str, place: str) -> None:
        """Replace the lines with `-` by those with `+`; the lines around them must be there."""
        lines = diff.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] != "+")
        new = "".join(line[1:] for line in lines if line[0] != "-")
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{place}: {name} does not hold these lines once:\n{old}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def compare_install(self, block: Block, place: str) -> None:
        """The install commands do what `make demo` does."""
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert "-m venv" in makefile, place
        assert "-m venv .venv" in block.body, place
        assert "pip install" in makefile, place
        assert "pip install ." in block.body, place

    def type(self, block: Block, place: str) -> None:
        """Type each command and compare what it prints."""
        commands = list(_commands(block.body))
        wanted = re.search(r"exit=(\d+)", block.rest)
        for number, (command, expected) in enumerate(commands, 1):
            status = int(wanted.group(1)) if wanted and number == len(commands) else 0
            done = self.run(["bash", "-c", command])
            assert done.returncode == status, f"{place}: $ {command}\n{done.stdout}"
            differs = difference(expected, done.stdout)
            assert not differs, f"{place}: $ {command}\n{differs}"

    def at_prompt(self, block: Block, place: str) -> None:
        """Type the lines behind `>>>` and compare what they show."""
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            file.write(block.body)
            file.flush()
            flags = ["-o", "ELLIPSIS", "-o", "NORMALIZE_WHITESPACE"]
            done = self.run([sys.executable, "-m", "doctest", *flags, file.name])
        assert done.returncode == 0, f"{place}:\n{done.stdout}"

    def script(self, block: Block, place: str) -> None:
        """Run the block as a script."""
        done = self.run([sys.executable, "-c", block.body])
        assert done.returncode == 0, f"{place}:\n{done.stdout}"

    def run(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        """Run a command in the reader's folder, both streams in one."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=60,
            check=False,
        )


def _program(path: Path, arguments: str) -> None:
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}\n', encoding="utf-8")
    path.chmod(0o755)


def _commands(body: str) -> Iterator[tuple[str, str]]:
    command, expected = "", ""
    for line in body.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, expected
            command, expected = line[2:].partition("  #")[0], ""
        else:
            expected += line + "\n"
    if command:
        yield command, expected


# What differs from reader to reader, and what is shown instead while comparing.
_TOLERATED = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?"), "TIME"),
    (re.compile(r"\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d(:\d\d)?"), "WHEN"),
    (re.compile(r"\bpid \d+"), "pid N"),
    (re.compile(r"\b\d+(\.\d+)? (s|min|h)\b"), "SOME TIME"),
    (re.compile(r"Falaj \d+\.\d+\.\d+\w*"), "Falaj VERSION"),
    (re.compile(r"/[^\s\"'():]*/(?=[\w-]+\.(py|csv)\b)"), ""),
    (re.compile(r"\s+"), " "),
)


def tolerant(line: str) -> str:
    """Return a line with what may differ taken out."""
    for pattern, instead in _TOLERATED:
        line = pattern.sub(instead, line)
    return line.strip()


def difference(expected: str, actual: str) -> str:
    """Return what a person needs to see where an output is not as shown, or nothing."""
    if not expected.strip():
        return ""
    wanted = "".join(_pattern(tolerant(line)) for line in _said(expected))
    shown = "".join(f"{tolerant(line)}\n" for line in _said(actual))
    if re.fullmatch(wanted, shown):
        return ""
    return f"--- the document shows\n{expected}--- the command prints\n{actual}"


def _said(text: str) -> list[str]:
    # Python versions differ in how they underline the failing expression.
    return [
        line for line in text.splitlines() if line.strip() and not re.fullmatch(r"[\s^~]+", line)
    ]


def _pattern(line: str) -> str:
    if line == "...":
        return r"(?:.*\n)*?"
    return re.escape(line).replace(re.escape("..."), ".*") + r"\n"


@pytest.fixture
def follow(tmp_path: Path) -> Callable[[Path], None]:
    """Return a function that follows a document from its first block to its last."""
    return lambda document: Reader(document, tmp_path).follow()


@pytest.fixture
def blocks() -> Callable[[Path], list[Block]]:
    """Return the function that finds a document's blocks."""
    return blocks_of


@pytest.fixture
def docs() -> Path:
    """Return the folder of the documents."""
    return DOCS


@pytest.fixture
def sources() -> Path:
    """Return the folder of the two packages."""
    return SOURCES
