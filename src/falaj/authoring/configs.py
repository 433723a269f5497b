"""Configs of a flow: values that are read before the flow is described, and shape it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, List, Mapping, NamedTuple, Optional, Union, cast

from falaj.authoring.declarations import option_fault
from falaj.authoring.delayed import Delayed
from falaj.authoring.wording import caller_place, told
from falaj.errors import ConfigError

ARGUMENTS = ("default", "default_value", "help", "required", "parser", "show_default", "plain")


class Declaration(NamedTuple):
    """What a Config was declared with, and where.

    `default` is a file or a function that gives one, `default_value` a value or such a function.
    """

    name: str
    default: Any
    default_value: Any
    help: str
    required: bool
    parser: Any
    plain: bool
    show_default: bool
    options: Mapping[str, Any]
    file: str
    line: int

    def error(self, message: str) -> ConfigError:
        """Return the error about this config that names the line of its declaration."""
        return ConfigError(told(self.file, self.line, message), self.line)


class Config:
    """A configuration of the flow: a file or a value, read before anything runs.

    `--config name file` and `--config-value name json` before the command give it, else `default`
    (a file) or `default_value` does. `parser` makes of the text the value that steps see; without
    one the text is JSON. Steps read `self.<attribute>`, a ConfigValue, or with `plain=True` what
    the parser gave. In the class body its parts can be used in the arguments of decorators,
    parameters and mutators: `cfg.a.b`, `cfg["a"]`, `**cfg.a`.
    """

    def __init__(
        self,
        name: str,
        default: Union[str, Callable[..., str], None] = None,
        default_value: Any = None,
        help: Optional[str] = None,
        required: Optional[bool] = None,
        parser: Union[str, Callable[[str], Any], None] = None,
        plain: bool = False,
        show_default: bool = True,
        **options: Any,
    ) -> None:
        """Keep the declaration and the line it stands on."""
        file, line = caller_place()
        # One private name: every other attribute is a key of the config.
        self.__dict__["_falaj"] = Declaration(
            name,
            default,
            default_value,
            str(help or ""),
            bool(required),
            parser,
            bool(plain),
            bool(show_default),
            options,
            file,
            line,
        )

    if TYPE_CHECKING:
        # In a step the attribute is the config's value.
        def __get__(self, instance: Any, owner: Any = None) -> Any: ...

    @property
    def __falaj_delayed__(self) -> Delayed:
        """What stands for the whole config until it is read."""
        declared = declaration_of(self)
        return Delayed(declared.name, {}, (), (declared.file, declared.line))

    def keys(self) -> List[str]:
        """Return the key that stands for all keys, for unpacking with `**`."""
        # The same object has to answer for the key afterwards.
        whole = self.__dict__.setdefault("_falaj_whole", self.__falaj_delayed__)
        return cast("List[str]", whole.keys())

    def __getitem__(self, key: Any) -> Any:
        whole: Optional[Delayed] = self.__dict__.get("_falaj_whole")
        return (self.__falaj_delayed__ if whole is None else whole)[key]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__falaj_delayed__, name)

    def __iter__(self) -> Any:
        return iter(self.__falaj_delayed__)

    def __bool__(self) -> bool:
        return bool(self.__falaj_delayed__)

    def __repr__(self) -> str:
        return "Config({!r})".format(declaration_of(self).name)


def declaration_of(config: Config) -> Declaration:
    """Return what a Config was declared with."""
    declared: Declaration = config.__dict__["_falaj"]
    return declared


def fault_of(declared: Declaration) -> str:
    """Return what is wrong with the declaration of a config, or nothing."""
    name: Any = declared.name
    if not isinstance(name, str) or not name.replace("-", "_").isidentifier():
        return "Config name {!r} can't be used; take letters, digits, `_` and `-`.".format(name)
    unknown = option_fault(name, declared.options, ARGUMENTS)
    if unknown:
        return unknown.replace("Parameter", "Config", 1)
    if declared.default is not None and declared.default_value is not None:
        return (
            "Config `{}` has both `default`, a file, and `default_value`; keep one of them.".format(
                name
            )
        )
    default = declared.default
    if not (default is None or isinstance(default, str) or callable(default)):
        return (
            "Config `{}`: `default` is the path of a file, not {!r}; `default_value` gives a "
            "value.".format(name, default)
        )
    parser = declared.parser
    named = isinstance(parser, str) and "." in parser
    if parser is not None and not named and not callable(parser):
        return (
            "Config `{}`: `parser` is a function or a dotted name such as "
            "'package.module.function', not {!r}.".format(name, parser)
        )
    return ""


def folded(name: str) -> str:
    """Return a config's name as it is compared: `-` is `_`, and case does not count."""
    return name.lower().replace("-", "_")
