"""`falaj completion`: the script that lets a shell complete `falaj` command lines."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from falaj.errors import FalajBug
from falaj_control.cli.context import TOOL, CommandContext
from falaj_control.cli.flow_process import COMPLETION_VARIABLE, RECORD_COMMANDS, flow_program
from falaj_control.cli.pathspecs import complete_paths

SHELLS = ("bash", "zsh", "fish")
# Importing a flow may take long, and a person waits at the prompt.
MOST_SECONDS = 10.0

_HELP = """Print the completion script of a shell.

\b
bash: add  eval "$(falaj completion bash)"  to ~/.bashrc
zsh:  add  eval "$(falaj completion zsh)"  to ~/.zshrc
fish: falaj completion fish > ~/.config/fish/completions/falaj.fish"""


def command(line: CommandContext) -> click.Command:
    """Return the command."""

    def completion(shell: str) -> None:
        line.output.line(script(shell).rstrip("\n"))

    argument = click.Argument(["shell"], type=click.Choice(SHELLS))
    return click.Command("completion", callback=completion, params=[argument], help=_HELP)


def script(shell: str) -> str:
    """Return the completion script of a shell."""
    kind = get_completion_class(shell)
    if kind is None:
        raise FalajBug(f"no completion for {shell}")
    completer = kind(click.Group(TOOL), {}, TOOL, COMPLETION_VARIABLE)
    return completer.source_template % completer.source_vars()


class AnyFlowCommand(click.Command):
    """A flow command whose arguments are completed: first the file, then what its flow takes."""

    def __init__(self, line: CommandContext, name: str) -> None:
        """Stand for the flow command `name`."""
        super().__init__(
            name,
            params=[
                click.Argument(["file"], required=False, shell_complete=self._files),
                click.Argument(
                    ["rest"], nargs=-1, type=click.UNPROCESSED, shell_complete=self._of_flow
                ),
            ],
            context_settings={"ignore_unknown_options": True},
            add_help_option=False,
        )
        self._complete_paths = complete_paths(line)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete an option of the flow's command."""
        return self._of_flow(ctx, self.params[1], incomplete)

    def _files(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        items = [CompletionItem(incomplete, type="file")]
        if self.name in RECORD_COMMANDS:
            paths = self._complete_paths(ctx, param, incomplete)
            # A shell told to complete files ignores all else.
            return [CompletionItem(path) for path in paths] or items
        return items

    def _of_flow(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        file = ctx.params.get("file")
        if not file or self.name is None:
            return []
        words = [self.name, *ctx.params.get("rest", ()), *ctx.args]
        program = flow_program("completion", str(file), ["--", incomplete, *words])
        environment = dict(os.environ)
        environment.pop(COMPLETION_VARIABLE, None)
        try:
            answer = subprocess.run(
                program,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=MOST_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return []
        return [_item(one) for one in answer.stdout.decode("utf-8", "replace").splitlines()]


def format_item(item: CompletionItem[Any]) -> str:
    """Return an item as one line, for another process to read."""
    shown = " ".join((item.help or "").split())
    return f"{item.type}\t{item.value}\t{shown}"


def _item(line: str) -> CompletionItem[Any]:
    kind, _, rest = line.partition("\t")
    value, _, shown = rest.partition("\t")
    return CompletionItem(value, type=kind, help=shown or None)
