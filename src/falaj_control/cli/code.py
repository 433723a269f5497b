"""`falaj code`: the code of runs: pulled to a folder, compared with files or with another run."""

from __future__ import annotations

import os

import click

from falaj.client.access import Access
from falaj.client.code import FalajCode, code_of, files_of
from falaj.client.codefiles import CodeNotWritten, write_files
from falaj.errors import FalajNotFound
from falaj_control.cli.code_diff import Difference, differences
from falaj_control.cli.context import CommandContext
from falaj_control.cli.pathspecs import complete_runs, select

_HELP = """Pull the code of runs, or compare it.

RUN is a run's number, with its flow before it or not: 412, GenreStats/412."""


def command(line: CommandContext) -> click.Command:
    """Return the command with its subcommands."""
    makers = (_pull, _diff, _diff_runs, _patch)
    return click.Group("code", help=_HELP, commands=[make(line) for make in makers])


def _pull(line: CommandContext) -> click.Command:
    def pull(run: str, folder: str | None, named: str | None) -> None:
        code = _code(run)
        target = os.path.abspath(named or folder or f"{_stem(run)}_code")
        if os.path.lexists(target) and (not os.path.isdir(target) or os.listdir(target)):
            raise CodeNotWritten(f"{target} is there already. Name a new folder, or an empty one.")
        try:
            os.makedirs(target, exist_ok=True)
        except OSError as error:
            raise CodeNotWritten(f"{target} can't be made: {error.strerror}.") from error
        write_files(files_of(code), target)
        line.output.line(line.output.shown(f"{_count(code)} written to {target}"))

    parameters: list[click.Parameter] = [
        _run(line),
        click.Argument(["folder"], required=False, metavar="[DIR]"),
        click.Option(["--dir", "named"], metavar="DIR", help="The same as the argument."),
    ]
    return click.Command(
        "pull",
        callback=pull,
        params=parameters,
        help="Write the code of a run to DIR.  [default: flow_run_code, here]",
    )


def _diff(line: CommandContext) -> click.Command:
    def diff(run: str, folder: str | None) -> None:
        _show(line, _against(_code(run), folder or os.curdir))

    return click.Command(
        "diff",
        callback=diff,
        params=[_run(line), click.Argument(["folder"], required=False, metavar="[DIR]")],
        help="Show what would turn the files in DIR into those of a run.  [default: this folder]",
    )


def _diff_runs(line: CommandContext) -> click.Command:
    def diff_runs(first: str, second: str) -> None:
        before, after = _code(first), _code(second)
        names = sorted({*before.files, *after.files})
        pairs = ((name, _read(before, name), _read(after, name)) for name in names)
        _show(line, list(differences(pairs)))

    return click.Command(
        "diff-runs",
        callback=diff_runs,
        params=[_run(line, "first"), _run(line, "second")],
        help="Show how the code of the first run differs from that of the second.",
    )


def _patch(line: CommandContext) -> click.Command:
    def patch(run: str, folder: str | None, file: str | None, overwrite: bool) -> None:
        target = os.path.abspath(file or f"{_stem(run)}.patch")
        if os.path.exists(target) and not overwrite:
            raise CodeNotWritten(f"{target} is there already. Overwrite it with: --overwrite")
        found = _against(_code(run), folder or os.curdir)
        inner = [one for one in found if not one.name.startswith("..")]
        try:
            with open(target, "wb") as opened:
                for one in inner:
                    opened.write(one.text.encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise CodeNotWritten(f"{target} can't be written: {error.strerror}.") from error
        for one in found:
            if one.binary or one not in inner:
                line.errors.line(line.errors.shown(f"Not in the patch: {one.name}"))
        line.output.line(line.output.shown(f"Patch written to {target}. Apply it with:"))
        line.output.line(line.output.shown(f"git apply {os.path.relpath(target)}"))

    parameters: list[click.Parameter] = [
        _run(line),
        click.Argument(["folder"], required=False, metavar="[DIR]"),
        click.Option(
            ["--file", "--file_path", "file"],
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="Where to write it.  [default: flow_run.patch, here]",
        ),
        click.Option(["--overwrite"], is_flag=True, help="Replace a file that is there."),
    ]
    return click.Command(
        "patch",
        callback=patch,
        params=parameters,
        help="Write a patch that turns the files in DIR into those of a run.  "
        "[default: this folder]",
    )


def _against(code: FalajCode, folder: str) -> list[Difference]:
    if not os.path.isdir(folder):
        raise click.UsageError(f"There is no folder {folder}.")

    def here(name: str) -> bytes | None:
        try:
            with open(os.path.join(folder, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CodeNotWritten(f"{error.filename} can't be read: {error.strerror}.") from error

    return list(differences((name, here(name), code.read(name)) for name in code.files))


def _show(line: CommandContext, found: list[Difference]) -> None:
    for one in found:
        for text in one.text.splitlines():
            line.output.line(line.output.painted(line.output.shown(text), _colour(text)))
    if not found:
        line.errors.line("There is no difference.")


def _colour(text: str) -> str:
    colours = {"+": "32", "-": "31", "@": "36", "d": "1"}
    return colours.get(text[:1], "0")


def _code(run: str) -> FalajCode:
    facts = select(Access(), run, None).run
    code = code_of(facts)
    if code is None:
        raise FalajNotFound(f"The code of {'/'.join(facts.parts)} was not kept.")
    return code


def _read(code: FalajCode, name: str) -> bytes | None:
    return code.read(name) if name in code.files else None


def _stem(run: str) -> str:
    return run.strip("/").lower().replace("/", "_").replace("#", "")


def _count(code: FalajCode) -> str:
    count = len(code.files)
    return "1 file" if count == 1 else f"{count} files"


def _run(line: CommandContext, name: str = "run") -> click.Argument:
    return click.Argument([name], metavar="RUN", shell_complete=complete_runs(line))
