"""`env list`, `check`, `remove` and `gc`: the environments that this machine keeps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from falaj_control.cli import tables
from falaj_control.cli.amounts import Amount
from falaj_control.cli.context import CommandContext
from falaj_control.cli.errors import FAILED
from falaj_control.cli.wording import minute
from falaj_control.environments.cache import EnvironmentCache, KeptEnvironment
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.storage import shown_size, size_of
from falaj_control.environments.values import EnvironmentFailed
from falaj_control.settings import read_settings

_COLUMNS = ("key", "kind", "python", "packages", "size", "last used", "state")
_SHOWN = 12
_DAY = 86400.0
_DAYS = 30.0


def this_cache() -> EnvironmentCache:
    """Return the cache that the settings name."""
    return EnvironmentCache(CacheFolders(read_settings().cache))


def find_kept(cache: EnvironmentCache, key: str) -> KeptEnvironment:
    """Return the environment whose key begins so; raise EnvironmentFailed for none or several."""
    kept = cache.environments()
    found = [one for one in kept if key and one.key.startswith(key)]
    if len(found) == 1:
        return found[0]
    if found:
        keys = ", ".join(one.key for one in found)
        raise EnvironmentFailed(f"Several keys begin with {key}: {keys}. Type more of one.")
    raise EnvironmentFailed(
        f"There is no environment {key} in {cache.folders.environments}. "
        "`falaj env list` shows those that are."
    )


def list_command(line: CommandContext) -> click.Command:
    """Return `env list`."""

    def run(as_json: bool) -> None:
        cache = this_cache()
        seen: set[tuple[int, int]] = set()
        facts = [_facts(one, size_of(one.prefix, seen)) for one in cache.environments()]
        if as_json:
            line.output.line(json.dumps(facts, indent=2))
        elif facts:
            tables.draw(line.output, _COLUMNS, [_row(one) for one in facts])
            total = shown_size(sum(one["size"] for one in facts))
            count = "1 environment" if len(facts) == 1 else f"{len(facts)} environments"
            line.errors.line(f"{count}, {total}, in {cache.folders.environments}")
        else:
            line.errors.line(f"There are no environments in {cache.folders.environments}.")

    option = click.Option(["--json", "as_json"], is_flag=True, help="Write JSON.")
    return click.Command(
        "list", callback=run, params=[option], help="List the environments, the last used first."
    )


def check_command(line: CommandContext) -> click.Command:
    """Return `env check`."""

    def run(keys: tuple[str, ...]) -> int:
        cache = this_cache()
        chosen = [find_kept(cache, key) for key in keys] if keys else cache.environments()
        damaged = [one.key for one in chosen if not _check(line, cache, one)]
        if not damaged:
            return 0
        line.errors.line(
            f"Remove what is damaged, and it is built again: falaj env remove {' '.join(damaged)}"
        )
        return FAILED

    return click.Command(
        "check",
        callback=run,
        params=[_keys(required=False)],
        help="Compare every file of the environments with what was installed.",
    )


def remove_command(line: CommandContext) -> click.Command:
    """Return `env remove`."""

    def run(keys: tuple[str, ...]) -> None:
        cache = this_cache()
        for one in [find_kept(cache, key) for key in keys]:
            size = size_of(one.prefix, set())
            cache.remove(one.key)
            line.output.line(f"Removed {one.key} ({shown_size(size)}).")

    return click.Command(
        "remove",
        callback=run,
        params=[_keys(required=True)],
        help="Remove environments that are not in use. A run that misses one builds it again.",
    )


def gc_command(line: CommandContext) -> click.Command:
    """Return `env gc`."""

    def run(days: float, dry_run: bool) -> None:
        cache = this_cache()
        sizes = {one.key: size_of(one.prefix, set()) for one in cache.environments()}
        removed = cache.gc(days * _DAY, dry_run)
        for one in removed:
            line.output.line(_told(one, sizes.get(one.key, 0)))
        verb = "would be removed" if dry_run else "removed"
        total = shown_size(sum(sizes.get(one.key, 0) for one in removed))
        count = "1 environment" if len(removed) == 1 else f"{len(removed)} environments"
        line.errors.line(f"{count} {verb}, {total}.")

    parameters: list[click.Parameter] = [
        click.Option(
            ["--days"],
            type=Amount(),
            default=_DAYS,
            show_default=True,
            metavar="N",
            help="Remove what has not been used for so many days.",
        ),
        click.Option(["--dry-run"], is_flag=True, help="Remove nothing, only show it."),
    ]
    return click.Command(
        "gc",
        callback=run,
        params=parameters,
        help="Remove environments that have not been used for long, and unfinished ones.",
    )


def _keys(required: bool) -> click.Argument:
    return click.Argument(
        ["keys"],
        nargs=-1,
        required=required,
        metavar="KEY..." if required else "[KEY]...",
        shell_complete=complete_keys,
    )


def complete_keys(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Complete the key of an environment."""
    keys = [one.key for one in this_cache().environments()]
    return [key for key in keys if key.startswith(incomplete)]


def _check(line: CommandContext, cache: EnvironmentCache, one: KeptEnvironment) -> bool:
    found: Sequence[str] = cache.damages(one.key)
    line.output.line(f"{one.key}: {'damaged' if found else 'whole'}")
    for sentence in found:
        line.output.line(f"    {line.output.shown(sentence)}")
    return not found


def _facts(one: KeptEnvironment, size: int) -> dict[str, Any]:
    return {
        "key": one.key,
        "path": one.prefix,
        "finished": one.is_finished,
        "in_use": one.in_use,
        "used_at": one.used_at,
        "size": size,
        "kind": one.description.get("kind"),
        "python": one.description.get("python"),
        "platform": one.description.get("platform"),
        "packages": one.description.get("packages", []),
    }


def _row(one: dict[str, Any]) -> list[str]:
    return [
        one["key"][:_SHOWN],
        one["kind"] or "",
        one["python"]["version"] if one["python"] else "",
        str(len(one["packages"])) if one["finished"] else "",
        shown_size(one["size"]),
        minute(one["used_at"]),
        "in use" if one["in_use"] else "" if one["finished"] else "unfinished",
    ]


def _told(one: KeptEnvironment, size: int) -> str:
    what = f"used {minute(one.used_at)}" if one.is_finished else "unfinished"
    return f"{one.key} ({what}, {shown_size(size)})"
