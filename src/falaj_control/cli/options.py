"""The options of `run` and `resume`: the flow's parameters, and what every run can be told."""

from __future__ import annotations

import json
import os
from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import click

from falaj.authoring.conversion import convert
from falaj.errors import ParameterError
from falaj.model.graph import FlowDescription, ParameterSpec
from falaj_control.cli.amounts import Amount
from falaj_control.cli.context import ATTRIBUTE_OPTION
from falaj_control.cli.extension_options import extension_fields, extension_options
from falaj_control.ports.requests import ISOLATION, MAX_LOG_BYTES, MAX_WORKERS

MEGABYTE = 1024 * 1024
_AS_BEFORE = "as in the earlier run"
VARIABLE_PREFIX = "FALAJ_RUN_"

_TYPE_NAMES = {
    "str": "text",
    "int": "integer",
    "float": "float",
    "bool": "boolean",
    "json": "json",
    "file": "file",
}

if TYPE_CHECKING:
    AnyType = click.ParamType[Any]
else:
    # Not generic in older releases.
    AnyType = click.ParamType


class ParameterType(AnyType):
    """The type of a flow's parameter, read as the flow itself reads it."""

    def __init__(self, spec: ParameterSpec) -> None:
        """Read values for `spec`."""
        self.name = _TYPE_NAMES[spec.type]
        self._spec = spec

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the JSON value of a text; a file's is its absolute path."""
        if not isinstance(value, str):
            return value
        try:
            converted = convert(self._spec, value)
        except ParameterError as error:
            self.fail(error.message, param, ctx)
        if self._spec.type != "file":
            return converted
        path = os.path.abspath(str(converted))
        if not os.path.isfile(path):
            what = "is a folder" if os.path.isdir(path) else "does not exist"
            self.fail(f"the file {value!r} {what}.", param, ctx)
        return path

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        """Offer files, or the two truth values."""
        # Imported here: only a shell that completes needs it.
        from click.shell_completion import CompletionItem

        if self._spec.type == "file":
            return [CompletionItem(incomplete, type="file")]
        words = ("True", "False") if self._spec.type == "bool" else ()
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def parameter_options(description: FlowDescription) -> list[click.Parameter]:
    """Return one option for each of the flow's parameters."""
    return [
        click.Option(
            [f"--{spec.name}", _destination(index)],
            type=ParameterType(spec),
            required=spec.required,
            envvar=variable_of(spec.name),
            help=_help_of(spec),
        )
        for index, spec in enumerate(description.parameters)
    ]


def variable_of(name: str) -> str:
    """Return the environment variable that gives a parameter."""
    return VARIABLE_PREFIX + name.upper().replace("-", "_")


def given_parameters(description: FlowDescription, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that were given, by name, from the values of their options."""
    given = {
        spec.name: values[_destination(index)] for index, spec in enumerate(description.parameters)
    }
    return {name: value for name, value in given.items() if value is not None}


def run_options(taken: Container[str] = (), resuming: bool = False) -> list[click.Parameter]:
    """Return the options of every run; those whose name a parameter has `taken` are left out.

    `resuming` makes the earlier run's values the defaults.
    """
    options: list[click.Parameter] = [
        click.Option(
            ["--with", "decospecs"],
            multiple=True,
            metavar="SPEC",
            help="Put a decorator on every step that lacks it, such as retry or retry:times=4. "
            "May be repeated.",
        ),
        click.Option(
            ["--max-workers"],
            type=click.IntRange(min=1),
            default=None if resuming else MAX_WORKERS,
            show_default=_AS_BEFORE if resuming else True,
            help="How many tasks may run at the same time.",
        ),
        click.Option(
            ["--max-log-size"],
            type=Amount(excluded=True),
            default=None if resuming else MAX_LOG_BYTES // MEGABYTE,
            show_default=_AS_BEFORE if resuming else True,
            metavar="MB",
            help="How many megabytes of output are kept of each task; what goes beyond is cut.",
        ),
        click.Option(
            ["--max-num-splits"],
            type=int,
            metavar="N",
            help="Accepted and ignored: a foreach may be of any width.",
        ),
        click.Option(
            ["--tag", "tags"],
            multiple=True,
            metavar="TAG",
            help="Give the run a tag. May be repeated.",
        ),
        click.Option(
            ["--run-id-file"],
            type=click.Path(dir_okay=False, writable=True),
            metavar="FILE",
            help="Write the run's id to this file before the first task starts.",
        ),
        click.Option([ATTRIBUTE_OPTION], type=click.Path(dir_okay=False), hidden=True),
        click.Option(
            ["--isolation"],
            type=click.Choice(["auto", "fork", "spawn"]),
            default=None if resuming else ISOLATION,
            show_default=_AS_BEFORE if resuming else True,
            help="How each task gets its own process: fork the one that has imported the flow, "
            "spawn a fresh interpreter, or choose what is safe.",
        ),
        click.Option(
            ["--locked"],
            is_flag=True,
            help="Resolve nothing: the environments of steps come from the lock file beside the "
            "flow alone.",
        ),
        click.Option(
            ["--include", "includes"],
            multiple=True,
            metavar="NAME",
            help="Take a package of this environment, as it is installed here, into the "
            "environments of the steps. May be repeated.",
        ),
        click.Option(
            ["--show-values"],
            is_flag=True,
            help="Show under a failing step's traceback what the names on the failing line held.",
        ),
        *extension_options(resuming),
        click.Option(["--quiet"], is_flag=True, help="Show only failures and the end."),
    ]
    return [option for option in options if option.opts[0].lstrip("-") not in taken]


def namespace_option() -> click.Parameter:
    """Return the option that says which results the flow's own look-ups see."""
    return click.Option(
        ["--namespace"],
        metavar="NAME",
        help="Let look-ups in the flow see this namespace instead of your own; --namespace= lets "
        "them see everything. The run's tags do not change.",
    )


def request_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the options of `run_options` say of a RunRequest."""
    fields: dict[str, Any] = {}
    for name in ("max_workers", "isolation"):
        fields[name] = values.get(name)
    for name in ("show_values", "locked"):
        fields[name] = bool(values.get(name))
    fields["includes"] = tuple(values.get("includes", ()))
    fields["tags"] = _checked_tags(values.get("tags", ()))
    fields.update(extension_fields(values))
    if values.get("max_log_size") is not None:
        fields["max_log_bytes"] = max(int(values["max_log_size"] * MEGABYTE), 1)
    path = values.get("run_id_file")
    if path is not None:
        fields["run_id_file"] = _absolute(path)
    if values.get("runner_attribute_file") is not None:
        fields["attribute_file"] = os.path.abspath(values["runner_attribute_file"])
    return fields


def _checked_tags(tags: Sequence[str]) -> tuple[str, ...]:
    if not tags:
        return ()
    # Imported here: few runs are given tags.
    from falaj.client.tagging import MOST_TAGS, TaggingError, checked_tags

    try:
        checked = checked_tags(tags)
    except TaggingError as error:
        raise click.BadParameter(error.message, param_hint="'--tag'") from error
    if len(checked) > MOST_TAGS:
        raise click.BadParameter(
            f"a run has at most {MOST_TAGS} tags of its users, not {len(checked)}.",
            param_hint="'--tag'",
        )
    return tuple(checked)


def _absolute(path: str) -> str:
    absolute = os.path.abspath(os.path.expanduser(path))
    folder = os.path.dirname(absolute)
    if not os.path.isdir(folder):
        raise click.BadParameter(
            f"the folder {folder} does not exist.", param_hint="'--run-id-file'"
        )
    if os.path.isdir(absolute):
        raise click.BadParameter(f"{absolute} is a folder.", param_hint="'--run-id-file'")
    # It is written once there is a run, which should not fail for the name of a file.
    probe = f"{absolute}.{os.getpid()}"
    try:
        with open(probe, "w"):
            os.remove(probe)
    except OSError as error:
        message = f"{absolute} can't be written: {error.strerror}."
        raise click.BadParameter(message, param_hint="'--run-id-file'") from error
    return absolute


def _destination(index: int) -> str:
    # Parameters may be called like any of our own options' variables.
    return f"parameter_{index}"


def _help_of(spec: ParameterSpec) -> str:
    shown = ""
    if spec.show_default and not spec.required:
        if spec.computed_default:
            shown = "[default: computed when the run starts]"
        elif spec.default is not None:
            shown = f"[default: {_default_text(spec)}]"
    return "  ".join(part for part in (spec.help, shown) if part)


def _default_text(spec: ParameterSpec) -> str:
    default: Any = spec.default
    if spec.separator and isinstance(default, list):
        return spec.separator.join(map(str, cast("list[Any]", default)))
    if spec.type == "json":
        return json.dumps(spec.default, ensure_ascii=False)
    return str(spec.default)
