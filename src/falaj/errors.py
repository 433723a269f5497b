"""Every error that a user can meet, and the one root of our own faults.

`FalajException` is the user's: its text says what happened, where, and how to mend it, and is
shown without a traceback of ours. `FalajBug` is ours and is shown with one.
"""

from __future__ import annotations

from typing import Iterable, List, Optional, Sequence


class FalajException(Exception):
    """A mistake or misfortune that a person can act on; `headline` titles it."""

    headline = "Falaj error"

    def __init__(self, message: str = "", line: Optional[int] = None) -> None:
        """Keep the message and the line of the user's file, where one is known."""
        super().__init__(message)
        self.message = message
        self.line_no = line

    def __str__(self) -> str:
        return self.message


class FalajBug(RuntimeError):
    """A state that our own code should have made impossible."""


class InvalidFlow(FalajException):
    """A flow that the checks refuse; `problems` holds one sentence each."""

    headline = "The flow is not valid"

    def __init__(self, problems: Sequence[str], flow: str = "") -> None:
        """Keep the problems and join them into the message."""
        super().__init__("\n".join(problems))
        self.problems = list(problems)
        self.flow = flow


class ParameterError(FalajException):
    """A Parameter or IncludeFile that is declared or given wrongly."""

    headline = "Parameter error"


class DecoratorError(FalajException):
    """A decorator with wrong arguments, in the flow or in --with."""

    headline = "Decorator error"


class ConfigError(FalajException):
    """A Config that is declared wrongly, can't be read, or is used before it is known."""

    headline = "Config error"


class ConfigUsage(ConfigError):
    """Configs that are given on the command line in a way that can't be meant."""


class CustomDecoratorError(FalajException):
    """A mutator or a user's own step decorator that fails or does what it can't."""

    headline = "Custom decorator error"


class ExtensionError(FalajException):
    """An extension of another package that is not installed, broken, or claimed by several."""

    headline = "Extension error"


class InvalidNextException(FalajException):
    """A call of self.next that can't be followed at run time."""

    headline = "Invalid self.next() transition"


class UnpicklableArtifactException(FalajException):
    """A value assigned to self that can't be stored."""

    headline = "Artifact can't be stored"

    def __init__(self, name: str, kind: str, why: str, where: str = "") -> None:
        """Name the artifact, its type, why it fails and the line that assigned it."""
        place = " (assigned at {})".format(where) if where else ""
        super().__init__(
            "self.{}{} is a {} that can't be pickled: {}. Keep what it was made from, and "
            "use a local variable for a value that only this step needs.".format(
                name, place, kind, why
            )
        )
        self.artifact, self.kind, self.why, self.where = name, kind, why, where


class ArtifactNotLoadable(FalajException):
    """A stored artifact that the Python where it is read can't load, or not with its packages."""

    headline = "Artifact can't be loaded"


class MergeArtifactsException(FalajException):
    """merge_artifacts called where, or as, it can't be."""

    headline = "Can't merge artifacts"


class UnhandledInMergeArtifactsException(MergeArtifactsException):
    """Artifacts that differ between the inputs of a join and were not settled."""

    headline = "Unhandled artifacts in merge"

    def __init__(self, names: Iterable[str]) -> None:
        """Name the artifacts in conflict."""
        self.artifact_names: List[str] = sorted(names)
        super().__init__(
            "These artifacts have different values in the inputs of this join: {}. Assign them "
            "before merge_artifacts(inputs), or list them in exclude=[...].".format(
                ", ".join(self.artifact_names)
            )
        )


class MissingInMergeArtifactsException(MergeArtifactsException):
    """Artifacts named in include= that no input has."""

    headline = "Missing artifacts in merge"

    def __init__(self, names: Iterable[str]) -> None:
        """Name the artifacts that are missing."""
        self.artifact_names: List[str] = sorted(names)
        super().__init__(
            "merge_artifacts(include=[...]) names artifacts that no input of this join has: "
            "{}.".format(", ".join(self.artifact_names))
        )


class TimeoutException(FalajException):
    """A step that ran longer than its @timeout allows."""

    headline = "Timeout"


class FailureHandledByCatch(FalajException):
    """A task whose process died without an exception, kept by @catch."""

    headline = "Task process died"


class StepExit(FalajException):
    """A step that called sys.exit(), which ends no task well."""

    headline = "Step called sys.exit()"


class MetricError(FalajException):
    """A metric or parameter that a step logs and that can't be kept as it is given."""

    headline = "Can't be logged"


class SecretError(FalajException):
    """A secret that can't be had, or that can't be set as a variable."""

    headline = "Secret not available"


class FalajNotFound(FalajException):
    """A flow, run, step, task or artifact that does not exist."""

    headline = "Object not found"


class FalajInvalidPathspec(FalajException):
    """A pathspec with the wrong number or kind of parts."""

    headline = "Invalid pathspec"


class FalajNamespaceMismatch(FalajException):
    """An object outside the current namespace."""

    headline = "Object not in the current namespace"

    def __init__(self, namespace: str, pathspec: str = "") -> None:
        """Name the namespace and the object."""
        super().__init__(
            "{} is not in the namespace {!r}. Call namespace(None) to see everything.".format(
                pathspec or "The object", namespace
            )
        )


class NoSuchCard(FalajException):
    """A type of card that nobody defines, or a card that is not there."""

    headline = "No such card"


class CardError(FalajException):
    """A card that can't be rendered or shown."""

    headline = "Card error"


class CorruptBlob(FalajException):
    """A stored blob whose bytes are not those that its name promises."""

    headline = "Stored data is damaged"

    def __init__(self, digest: str, path: str, what: str) -> None:
        """Name the blob, its file and what is wrong."""
        super().__init__(
            "The stored file {} is damaged ({}). Delete it and resume the run from the step "
            "that made it.".format(path, what)
        )
        self.digest, self.path, self.what = digest, path, what


class MissingBlob(FalajException):
    """A blob that the records name and the store does not have."""

    headline = "Stored data is missing"

    def __init__(self, digest: str, path: str) -> None:
        """Name the blob and where it should be."""
        super().__init__(
            "The stored file {} is missing. Resume the run from the step that made it.".format(path)
        )
        self.digest, self.path = digest, path


class StoreUnavailable(FalajException):
    """The store or the records can't be written or read (full disk, permissions, damage)."""

    headline = "Can't use the Falaj home"


class ResourcesUnavailable(FalajException):
    """A step asks for more than this machine has."""

    headline = "Not enough resources on this machine"


class RunNotStarted(FalajException, RuntimeError):
    """A command that a Runner started and that ended before there was a run."""

    headline = "No run was started"


class NotebookFlowError(FalajException):
    """A flow of a notebook that can't be run from its cell alone."""

    headline = "The flow can't be run from its cell"


class DeploymentUnavailable(FalajException):
    """A deployment to something that this release can't deploy to."""

    headline = "Can't deploy there"


class ExceptionWrapper:
    """An exception that @catch kept, as plain text, so that it can be loaded anywhere."""

    def __init__(self, exception: str, type: str, stacktrace: str) -> None:
        """Keep the message, the type's dotted name and the formatted traceback."""
        self.exception = exception
        self.type = type
        self.stacktrace = stacktrace

    def __str__(self) -> str:
        return self.stacktrace or "{}: {}".format(self.type, self.exception)

    def __repr__(self) -> str:
        return "ExceptionWrapper({}: {})".format(self.type, self.exception)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExceptionWrapper) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.type, self.exception))
