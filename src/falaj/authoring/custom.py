"""What a user's own decorators of steps and flows have in common: arguments, names, places."""

from __future__ import annotations

from types import FunctionType
from typing import (
    Any,
    Dict,
    List,
    Mapping,
    NamedTuple,
    NoReturn,
    Optional,
    Tuple,
    Type,
    cast,
)

from falaj import extensions
from falaj.authoring.delayed import resolved, unpacked
from falaj.authoring.flowspec import FlowSpec
from falaj.authoring.options import OPTIONS
from falaj.authoring.wording import caller_place, full_path, listed, near_miss, told
from falaj.errors import CustomDecoratorError, DecoratorError, ExtensionError
from falaj.model.graph import DecoratorSpec

# Where a class keeps the mutators above it; a dunder name is no artifact.
MUTATORS = "__falaj_mutators__"
_ARGUMENTS = "_falaj"
_PLAIN = (str, int, float, bool, type(None))
_classes: Dict[str, "Type[CustomDecorator]"] = {}


class Arguments(NamedTuple):
    """What a decorator was written with, and where.

    `is_static` is False for what comes from outside of the source.
    """

    args: Tuple[Any, ...]
    kwargs: Mapping[str, Any]
    place: Tuple[str, int]
    is_static: bool = True
    is_ready: bool = False


class CustomDecorator:
    """A decorator that users write: a class whose objects stand above steps or flows.

    What a subclass does with its arguments stands in its method `init`.
    """

    decorator_name = ""
    takes_places = True
    # The list of a step's function that decorators of this kind are in.
    list_name = ""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        name = vars(cls).get("decorator_name") or "{}.{}".format(cls.__module__, cls.__name__)
        cls.decorator_name = name
        # Those of Falaj are there to be derived from.
        if not cls.__module__.startswith("falaj.authoring."):
            _classes[name] = cls

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a decorator with these arguments; one that stands bare gives what it stands on."""
        bare = len(args) == 1 and not kwargs and cls._can_stand_on(args[0])
        takes_none = not cls.takes_places or cls.init is CustomDecorator.init
        if args and not bare and takes_none and isinstance(args[0], (FunctionType, type)):
            _refuse(caller_place(), cls._misplaced(args[0].__name__))
        made = written(cls, () if bare else args, kwargs, caller_place())
        return made(args[0]) if bare else made

    def __call__(self, target: Any) -> Any:
        """Stand above a step or a flow's class."""
        if not self._can_stand_on(target):
            shown = getattr(target, "__name__", repr(target))
            _refuse(arguments_of(self).place, self._misplaced(shown))
        self._attach(target)
        return target

    def init(self, *args: Any, **kwargs: Any) -> None:
        """Take the decorator's arguments; to be defined by decorators that have any."""

    def as_spec(self) -> DecoratorSpec:
        """Return the decorator as data; arguments that are no plain values as their text."""
        said = arguments_of(self)
        attributes = {str(position): arg for position, arg in enumerate(said.args)}
        attributes.update(said.kwargs)
        return DecoratorSpec(
            self.decorator_name,
            {name: _as_data(value) for name, value in attributes.items()},
            said.place[1],
            not said.is_static,
            full_path(said.place[0]),
        )

    @classmethod
    def _can_stand_on(cls, target: Any) -> bool:
        return isinstance(target, FunctionType) and getattr(target, "is_step", False) is True

    @classmethod
    def _misplaced(cls, shown: str) -> str:
        return (
            "@{} stands above @step, and `{}` is no step; put @step right above its `def`.".format(
                cls.__name__, shown
            )
        )

    def _attach(self, target: Any) -> None:
        for name in lists_of(type(self)):
            cast("List[Any]", getattr(target, name)).append(self)


class FlowDecorator(CustomDecorator):
    """The kind of decorator that stands above the class of a flow."""

    @classmethod
    def _can_stand_on(cls, target: Any) -> bool:
        return isinstance(target, type) and issubclass(target, FlowSpec)

    @classmethod
    def _misplaced(cls, shown: str) -> str:
        message = "@{} stands above the class of a flow, and `{}` is none; derive it from FlowSpec."
        return message.format(cls.__name__, shown)

    def _attach(self, target: Any) -> None:
        if MUTATORS not in vars(target):
            setattr(target, MUTATORS, [])
        cast("List[Any]", vars(target)[MUTATORS]).append(self)


def lists_of(kind: "Type[CustomDecorator]") -> List[str]:
    """Return the names of the lists that a decorator is in; one that is of two kinds is in two."""
    names = [vars(one).get("list_name", "") for one in kind.__mro__]
    return [name for name in dict.fromkeys(names) if name]


def written(
    kind: "Type[CustomDecorator]",
    args: Tuple[Any, ...],
    kwargs: Mapping[str, Any],
    place: Tuple[str, int],
    is_static: bool = True,
) -> Any:
    """Return a decorator as it is written at a place; one of the command line has none.

    Raises DecoratorError.
    """
    if args and not kind.takes_places:
        message = "@{} takes its arguments by name, not {!r}."
        _refuse(place, message.format(kind.__name__, args[0]))
    made = object.__new__(kind)
    made.__dict__[_ARGUMENTS] = Arguments(args, kwargs, place, is_static)
    return made


def arguments_of(decorator: CustomDecorator) -> Arguments:
    """Return what a decorator was written with."""
    found: Arguments = decorator.__dict__[_ARGUMENTS]
    return found


def make_ready(decorator: CustomDecorator, configs: Mapping[str, Any]) -> None:
    """Resolve the arguments of a decorator and hand them to its `init`, once.

    Raises DecoratorError for arguments of a decorator without `init`, and whatever `init` does.
    """
    said = arguments_of(decorator)
    if said.is_ready:
        return
    args = tuple(resolved(arg, configs) for arg in said.args)
    kwargs = unpacked(said.kwargs, configs)
    decorator.__dict__[_ARGUMENTS] = said._replace(args=args, kwargs=kwargs, is_ready=True)
    if (args or kwargs) and type(decorator).init is CustomDecorator.init:
        _refuse(
            said.place,
            "@{0} is given arguments and takes none; define `def init(self, ...)` in class "
            "{0}.".format(type(decorator).__name__),
        )
    decorator.init(*args, **kwargs)


def find(name: str) -> "Type[CustomDecorator]":
    """Return the decorator of a dotted name, or of the end of one that no other shares.

    A dotted name's module is imported where that is needed. A name that nothing here has is looked
    for among those that installed packages give. Raises DecoratorError, CustomDecoratorError where
    the module fails, and ExtensionError where such a package is amiss.
    """
    module, _, short = name.rpartition(".")
    problem = ""
    if module and name not in _classes:
        problem = _import(module)
    if name in _classes:
        return _classes[name]
    found = [full for full in _classes if full.endswith("." + name)]
    if len(found) == 1:
        return _classes[found[0]]
    if found:
        raise DecoratorError(
            "There are several decorators `{}`: {}; name one of them in full.".format(
                name, listed(sorted(found))
            )
        )
    if extensions.is_installed("decorators", name):
        return _of_package(name)
    if problem:
        raise DecoratorError("The decorator `{}` can't be imported: {}.".format(name, problem))
    own = (full.rpartition(".")[2] for full in _classes)
    known = [*OPTIONS, *dict.fromkeys([*own, *extensions.names("decorators")])]
    if module:
        there = [full for full in _classes if full.startswith(module + ".")]
        message = "`{}` has no decorator `{}`{}".format(module, short, near_miss(short, known))
        more = "; it has {}".format(listed(sorted(there))) if there else ""
        raise DecoratorError("{}{}.".format(message, more))
    raise DecoratorError(
        "There is no decorator `{}`{}; there are {}.".format(
            name, near_miss(name, known), listed(known)
        )
    )


def _of_package(name: str) -> "Type[CustomDecorator]":
    found: Any = extensions.load("decorators", name)
    if not isinstance(found, type) or not issubclass(found, CustomDecorator):
        raise ExtensionError(
            "The decorator {!r} that an installed package gives is {!r}, which is neither a step "
            "decorator nor a mutator.".format(name, cast("object", found))
        )
    return found


def short_name(kind: "Type[CustomDecorator]") -> str:
    """Return the shortest end of a decorator's dotted name that no other one has."""
    parts = kind.decorator_name.split(".")
    for count in range(1, len(parts)):
        end = ".".join(parts[-count:])
        if sum(("." + full).endswith("." + end) for full in _classes) <= 1:
            return end
    return kind.decorator_name


def _as_data(value: Any) -> Any:
    return value if isinstance(value, _PLAIN) else repr(value)


def _import(module: str) -> str:
    """Import a module; return why it can't be found, or nothing; raise what it does wrongly."""
    try:
        __import__(module)
    except ImportError as error:
        # A module that exists and fails in an import of its own says so, too.
        return str(error)
    except Exception as error:
        raise CustomDecoratorError("The module `{}` can't be imported:".format(module)) from error
    return ""


def _refuse(place: Tuple[str, int], message: str) -> NoReturn:
    raise DecoratorError(told(place[0], place[1], message), place[1])


def misplaced(name: str, decorator: CustomDecorator) -> Optional[DecoratorError]:
    """Return the error about a decorator that a flow's class holds instead of a step."""
    if isinstance(decorator, FlowDecorator):
        return None
    file, line = arguments_of(decorator).place
    message = "`{}` is a decorator with arguments and no step; write @{}(...) above its @step."
    return DecoratorError(told(file, line, message.format(name, type(decorator).__name__)), line)
