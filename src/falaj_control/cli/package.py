"""`package`: what a run would keep as the flow's code: told, listed, or saved as a tar archive."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

import click

from falaj.client.access import Access
from falaj.client.code import FalajCode, files_of, inside
from falaj.client.codefiles import CodeNotWritten, write_archive
from falaj.errors import FalajException
from falaj_control.cli.amounts import LONGEST, Amount
from falaj_control.cli.context import CommandContext, asked_decospecs
from falaj_control.cli.workers import TookTooLong, run_worker
from falaj_control.engine.options import decorated
from falaj_control.ports.preparing import ENVIRONMENT_DECORATORS

_HELP = """Show what a run would keep as the code of this flow.

That is the flow's file and the modules of yours that it imports, with packages that travel into the
environments of its steps."""
_PACK = "import sys; from falaj.runtime.packing import main; sys.exit(main())"


class CantPackage(FalajException):
    """A flow whose code can't be collected."""

    headline = "Can't package the flow"


class _Options(NamedTuple):
    timeout: float
    includes: tuple[str, ...]


def command(line: CommandContext) -> click.Command:
    """Return the command with its subcommands."""

    def settle(timeout: float, includes: tuple[str, ...]) -> None:
        click.get_current_context().obj = _Options(timeout, includes)

    parameters: list[click.Parameter] = [
        click.Option(
            ["--timeout"],
            type=Amount(excluded=True, most=LONGEST),
            default=60.0,
            show_default=True,
            metavar="SECONDS",
            help="How long collecting the code may take.",
        ),
        click.Option(
            ["--include", "includes"],
            multiple=True,
            metavar="NAME",
            help="Add a package of this environment, as `run --include` does. May be repeated.",
        ),
    ]
    commands = [make(line) for make in (_info, _list, _save)]
    return click.Group("package", callback=settle, params=parameters, help=_HELP, commands=commands)


def _info(line: CommandContext) -> click.Command:
    def info() -> None:
        with _packed(line) as code:
            size = sum(len(code.read(name)) for name in code.files)
            rows = {
                "flow": line.flow.name,
                "script": code.script_name,
                "files": str(len(code.files)),
                "bytes": str(size),
                "digest": str(code.info["digest"]),
            }
            for name, value in rows.items():
                line.output.line(line.output.shown(f"{name + ':':<8} {value}"))

    return click.Command("info", callback=info, help="Show how much there is.")


def _list(line: CommandContext) -> click.Command:
    def show(archive: bool) -> None:
        folder = os.path.dirname(line.flow.file)
        with _packed(line) as code:
            for name in code.files:
                path = os.path.normpath(os.path.join(folder, name))
                line.output.line(line.output.shown(inside(name) if archive else path))

    option = click.Option(
        ["--archive/--no-archive"],
        default=False,
        help="Show names as they are in the archive instead of where the files lie.",
    )
    return click.Command("list", callback=show, params=[option], help="List the files.")


def _save(line: CommandContext) -> click.Command:
    def save(path: str) -> None:
        target = os.path.abspath(path)
        temporary = f"{target}.{os.getpid()}.part"
        with _packed(line) as code:
            try:
                with open(temporary, "wb") as file:
                    write_archive(files_of(code), file)
                os.replace(temporary, target)
            except OSError as error:
                raise CodeNotWritten(f"{target} can't be written: {error.strerror}.") from error
        line.output.line(line.output.shown(f"Code package saved in {target}"))

    path = click.Argument(["path"], type=click.Path(dir_okay=False))
    return click.Command(
        "save", callback=save, params=[path], help="Save the files as a gzipped tar archive."
    )


@contextmanager
def _packed(line: CommandContext) -> Generator[FalajCode, None, None]:
    """Give the code that a run would keep; raises CantPackage."""
    options: _Options = click.get_current_context().obj
    with tempfile.TemporaryDirectory(prefix="falaj-package-") as root:
        access = Access(root)
        answer = os.path.join(root, "answer")
        request = {
            "file": line.flow.file,
            "flow": line.flow.name,
            "package": _package_of(line.program),
            "arguments": line.arguments,
            "store": access.home.store,
            "travels": bool(options.includes) or _travels(line),
            "includes": options.includes,
            "shape": {
                "known": [one._asdict() for one in line.flow.configs],
                "decospecs": asked_decospecs(line.decospecs),
            },
            "answer": answer,
        }
        # Importing a flow runs its code, which this process must never do.
        try:
            status = run_worker(line, _PACK, request, options.timeout)
        except TookTooLong as error:
            raise CantPackage(
                f"Collecting the code took more than {options.timeout:g} seconds. Allow more with: "
                "package --timeout SECONDS"
            ) from error
        if status:
            raise CantPackage(f"The code of {line.flow.name} could not be collected; see above.")
        with open(answer) as file:
            yield FalajCode(access, file.read())


def _package_of(program: str) -> str | None:
    _, found, module = program.partition(" -m ")
    return module.rpartition(".")[0] if found else None


def _travels(line: CommandContext) -> bool:
    flow = decorated(line.flow, asked_decospecs(line.decospecs))
    asking = {one.name for one in flow.decorators}
    asking |= {one.name for step in flow.steps for one in step.decorators}
    return bool(asking & ENVIRONMENT_DECORATORS) or line.environment not in (None, "local")
