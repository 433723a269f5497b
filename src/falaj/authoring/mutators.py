"""Decorators that users write to change a flow, or one step of it, before it is described."""

from __future__ import annotations

from enum import Enum
from typing import Any, Iterable

from falaj.authoring.custom import CustomDecorator, FlowDecorator


class ContentType(Enum):
    """What a file that a mutator adds to the code of a run is, and so where it goes."""

    USER_CONTENT = "beside the flow's file"
    CODE_CONTENT = "a file of the code"
    MODULE_CONTENT = "a Python module that steps can import"
    OTHER_CONTENT = "another file"


class StepMutator(CustomDecorator):
    """Changes the step that it stands above: adds, replaces or removes its decorators."""

    list_name = "config_decorators"

    def pre_mutate(self, mutable_step: Any) -> None:
        """Change the step (a MutableStep) once configs are read; mutators can be added here."""

    def mutate(self, mutable_step: Any) -> None:
        """Change the step (a MutableStep) once all decorators stand, those of --with as well."""

    def add_to_package(self) -> Iterable[Any]:
        """Return what is to be kept with the run's code: (path, name) or (content, name, type)."""
        return ()


class FlowMutator(FlowDecorator):
    """Changes the flow that it stands above, and flows that derive from it."""

    def pre_mutate(self, mutable_flow: Any) -> None:
        """Change the flow (a MutableFlow) once configs are read; all can be changed here."""

    def mutate(self, mutable_flow: Any) -> None:
        """Change the steps of the flow (a MutableFlow) once all decorators stand."""

    def add_to_package(self) -> Iterable[Any]:
        """Return what is to be kept with the run's code: (path, name) or (content, name, type)."""
        return ()
