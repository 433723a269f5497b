"""The decorators of a step or a flow, as a mutator sees and changes them."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, NoReturn, Optional, Sequence, Tuple, cast

from falaj.authoring.custom import (
    CustomDecorator,
    arguments_of,
    find,
    make_ready,
    short_name,
    written,
)
from falaj.authoring.decorators import rivals, settled
from falaj.authoring.decospecs import by_place_and_name, split_decospec
from falaj.authoring.delayed import unpacked
from falaj.authoring.options import OPTIONS, option_attributes
from falaj.authoring.shape import Shape
from falaj.authoring.wording import caller_place, full_path, listed, told
from falaj.errors import CustomDecoratorError, DecoratorError
from falaj.model.graph import DecoratorSpec

Spec = Tuple[str, str, List[Any], Dict[str, Any]]


class Actor:
    """The mutator at work: its name, whether it may do all, and whether the source has it."""

    def __init__(self, mutator: Any, is_early: bool) -> None:
        """Speak for `mutator`, in `pre_mutate` where `is_early`."""
        self.name = type(mutator).__name__
        self.is_early = is_early
        self.is_static = arguments_of(mutator).is_static

    def need_early(self, doing: str) -> None:
        """Raise CustomDecoratorError outside of pre_mutate."""
        if not self.is_early:
            refuse(
                "{} {} in `mutate`, where it is too late; do it in `pre_mutate`.".format(
                    self.name, doing
                )
            )


class Decorated:
    """What steps and flows that can be changed have in common: their decorators."""

    IGNORE = 1
    ERROR = 2
    OVERRIDE = 3

    _actor: Actor
    _shape: Shape

    @property
    def decorator_specs(self) -> Iterator[Spec]:
        """Yield name, full name, arguments by place and arguments by name of each decorator."""
        for spec in self._built_in():
            yield spec.name, "falaj." + spec.name, [], dict(spec.attributes)
        for decorator in self._custom():
            said = arguments_of(decorator)
            name = short_name(cast("Any", type(decorator)))
            yield name, decorator.decorator_name, list(said.args), dict(said.kwargs)

    def has_decorator(self, name: str) -> bool:
        """Say whether there is a decorator of that name, or of that full name with its dots."""
        return bool(self.get_decorator_specs(name))

    def get_decorator_specs(self, name: str) -> List[Spec]:
        """Return the specs of all decorators of that name, or of that full name."""
        return [spec for spec in self.decorator_specs if name == spec[1 if "." in name else 0]]

    def add_decorator(
        self,
        deco_type: Any,
        deco_args: Optional[Sequence[Any]] = None,
        deco_kwargs: Optional[Mapping[str, Any]] = None,
        duplicates: int = IGNORE,
    ) -> Any:
        """Add a decorator: the thing itself, its name, or its spec, such as `retry:times=4`.

        Where one of its name stands already (of cards, one with its id), IGNORE leaves that,
        OVERRIDE replaces it, and ERROR raises DecoratorError. Returns what was added, or None.
        """
        if duplicates not in (self.IGNORE, self.ERROR, self.OVERRIDE):
            refuse("`duplicates` is IGNORE, ERROR or OVERRIDE, not {!r}.".format(duplicates))
        args, kwargs = tuple(deco_args or ()), dict(deco_kwargs or {})
        kind: Any = deco_type
        if isinstance(deco_type, str):
            name, said = split_decospec(deco_type)
            if said and (args or kwargs):
                refuse(
                    "The decorator {!r} has arguments already; give them there or as deco_args "
                    "and deco_kwargs, not both.".format(deco_type)
                )
            if said:
                args, kwargs = by_place_and_name(said)
            kind = name if name in OPTIONS else self._found(name)
        if isinstance(kind, type) and issubclass(kind, CustomDecorator):
            return self._add_custom(kind, args, kwargs, duplicates)
        name = kind if isinstance(kind, str) else _built_in_name(deco_type)
        if args:
            refuse("@{} takes its arguments by name; give them as deco_kwargs.".format(name))
        return self._add_built_in(name, kwargs, duplicates)

    def remove_decorator(
        self,
        deco_name: str,
        deco_args: Optional[Sequence[Any]] = None,
        deco_kwargs: Optional[Mapping[str, Any]] = None,
    ) -> bool:
        """Remove the decorators of that name; with arguments, those that have just these.

        Says whether there was one.
        """
        every = deco_args is None and deco_kwargs is None
        args, kwargs = list(deco_args or ()), dict(deco_kwargs or {})
        doomed = self.get_decorator_specs(deco_name)
        if not every:
            accepted = (kwargs, _filled(deco_name, kwargs))
            doomed = [spec for spec in doomed if spec[2] == args and spec[3] in accepted]
        if doomed:
            self._need_removable(doomed)
            self._drop(doomed)
        return bool(doomed)

    def _found(self, name: str) -> Any:
        try:
            return find(name)
        except DecoratorError as error:
            refuse(error.message, DecoratorError)

    def _add_built_in(
        self, name: str, kwargs: Mapping[str, Any], duplicates: int
    ) -> Optional[DecoratorSpec]:
        file, line = caller_place()
        spec = DecoratorSpec(name, {}, line, not self._actor.is_static, full_path(file))
        spec = settled(spec, unpacked(kwargs, self._shape.names))
        held = self._built_in()
        same = rivals(held, spec)
        if same:
            if not self._may_replace(name, duplicates):
                return None
            held[:] = [other for other in held if other not in same]
        held.append(spec)
        return spec

    def _may_replace(self, name: str, duplicates: int) -> bool:
        if duplicates == self.ERROR and self._actor.is_static:
            refuse("{} already has @{}.".format(self._shown(), name), DecoratorError)
        return duplicates == self.OVERRIDE

    def _new_custom(self, kind: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        made = written(kind, tuple(args), kwargs, caller_place(), self._actor.is_static)
        make_ready(made, self._shape.names)
        return made

    def _built_in(self) -> List[DecoratorSpec]:
        raise NotImplementedError

    def _custom(self) -> List[Any]:
        raise NotImplementedError

    def _add_custom(
        self, kind: Any, args: Sequence[Any], kwargs: Mapping[str, Any], duplicates: int
    ) -> Any:
        raise NotImplementedError

    def _need_removable(self, doomed: Sequence[Spec]) -> None:
        raise NotImplementedError

    def _drop(self, doomed: Sequence[Spec]) -> None:
        raise NotImplementedError

    def _shown(self) -> str:
        raise NotImplementedError


def refuse(message: str, kind: Any = CustomDecoratorError) -> NoReturn:
    """Raise the error about what a mutator does, at its line."""
    file, line = caller_place()
    raise kind(told(file, line, message), line)


def is_among(spec: DecoratorSpec, doomed: Sequence[Spec]) -> bool:
    return any(spec.name == name and spec.attributes == kwargs for name, _, _, kwargs in doomed)


def is_custom_among(decorator: Any, doomed: Sequence[Spec]) -> bool:
    said = arguments_of(decorator)
    return any(
        (decorator.decorator_name, list(said.args), dict(said.kwargs)) == spec[1:]
        for spec in doomed
    )


def _built_in_name(function: Any) -> str:
    name = str(getattr(function, "__name__", ""))
    if name not in OPTIONS or not str(getattr(function, "__module__", "")).startswith("falaj."):
        refuse("{!r} is no decorator; give one of {}.".format(function, listed(OPTIONS, "or")))
    return name


def _filled(name: str, kwargs: Mapping[str, Any]) -> Dict[str, Any]:
    if name not in OPTIONS:
        return dict(kwargs)
    try:
        return option_attributes(name, kwargs)
    except DecoratorError:
        return dict(kwargs)
