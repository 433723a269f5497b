"""The decorators that give steps, or all steps of a flow, an environment of their own."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional, Sequence, TypeVar, Union, overload

from falaj.authoring.decorators import decorate

Step = TypeVar("Step", bound=Callable[..., Any])
Flow = TypeVar("Flow", bound=type)


@overload
def pypi(function: Step) -> Step: ...


@overload
def pypi(
    *,
    packages: Mapping[str, str] = ...,
    python: Optional[str] = ...,
    disabled: Optional[bool] = ...,
    index_url: Optional[str] = ...,
    extra_index_urls: Sequence[str] = ...,
    find_links: Sequence[str] = ...,
    exclude_newer: Optional[str] = ...,
    metadata: Mapping[str, Sequence[str]] = ...,
) -> Callable[[Step], Step]: ...


def pypi(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Run the step with packages of PyPI, or of other indexes, in an environment of its own.

    `packages` maps names to versions, `python` is a version such as `3.11`; `disabled=True` leaves
    the step in the launching environment. Raises DecoratorError for what can't be meant.
    """
    return decorate("pypi", function, arguments)


@overload
def pypi_base(flow_class: Flow) -> Flow: ...


@overload
def pypi_base(
    *,
    packages: Mapping[str, str] = ...,
    python: Optional[str] = ...,
    disabled: Optional[bool] = ...,
    index_url: Optional[str] = ...,
    extra_index_urls: Sequence[str] = ...,
    find_links: Sequence[str] = ...,
    exclude_newer: Optional[str] = ...,
    metadata: Mapping[str, Sequence[str]] = ...,
) -> Callable[[Flow], Flow]: ...


def pypi_base(flow_class: Optional[Any] = None, **arguments: Any) -> Any:
    """Give all steps of a flow these packages of PyPI; @pypi on a step adds to them."""
    return decorate("pypi_base", flow_class, arguments)


@overload
def conda(function: Step) -> Step: ...


@overload
def conda(
    *,
    packages: Mapping[str, str] = ...,
    libraries: Mapping[str, str] = ...,
    python: Optional[str] = ...,
    channels: Sequence[str] = ...,
    disabled: Optional[bool] = ...,
    environment_yml: Optional[str] = ...,
    exclude_newer: Optional[str] = ...,
) -> Callable[[Step], Step]: ...


def conda(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Run the step with packages of conda channels in an environment of its own.

    With @pypi on the same step, packages of PyPI come into the same environment.
    Raises DecoratorError for what can't be meant.
    """
    return decorate("conda", function, arguments)


@overload
def conda_base(flow_class: Flow) -> Flow: ...


@overload
def conda_base(
    *,
    packages: Mapping[str, str] = ...,
    libraries: Mapping[str, str] = ...,
    python: Optional[str] = ...,
    channels: Sequence[str] = ...,
    disabled: Optional[bool] = ...,
    environment_yml: Optional[str] = ...,
    exclude_newer: Optional[str] = ...,
) -> Callable[[Flow], Flow]: ...


def conda_base(flow_class: Optional[Any] = None, **arguments: Any) -> Any:
    """Give all steps of a flow these packages of conda; @conda on a step adds to them."""
    return decorate("conda_base", flow_class, arguments)


@overload
def uv(function: Step) -> Step: ...


@overload
def uv(
    *,
    pyproject: Optional[str] = ...,
    requirements: Optional[str] = ...,
    script: Union[str, bool, None] = ...,
    extras: Sequence[str] = ...,
    groups: Sequence[str] = ...,
    python: Optional[str] = ...,
    disabled: Optional[bool] = ...,
    index_url: Optional[str] = ...,
    extra_index_urls: Sequence[str] = ...,
    find_links: Sequence[str] = ...,
    exclude_newer: Optional[str] = ...,
) -> Callable[[Step], Step]: ...


def uv(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Run the step with what a pyproject.toml, a requirements file or a script's header asks for.

    By default that is the header of the flow's file, else the nearest pyproject.toml, else the
    requirements.txt beside the flow. Raises DecoratorError for what can't be meant.
    """
    return decorate("uv", function, arguments)


@overload
def uv_base(flow_class: Flow) -> Flow: ...


@overload
def uv_base(
    *,
    pyproject: Optional[str] = ...,
    requirements: Optional[str] = ...,
    script: Union[str, bool, None] = ...,
    extras: Sequence[str] = ...,
    groups: Sequence[str] = ...,
    python: Optional[str] = ...,
    disabled: Optional[bool] = ...,
    index_url: Optional[str] = ...,
    extra_index_urls: Sequence[str] = ...,
    find_links: Sequence[str] = ...,
    exclude_newer: Optional[str] = ...,
) -> Callable[[Flow], Flow]: ...


def uv_base(flow_class: Optional[Any] = None, **arguments: Any) -> Any:
    """Give all steps of a flow what these files ask for; @uv on a step replaces it."""
    return decorate("uv_base", flow_class, arguments)
