"""What flows can be deployed to, by name."""

from __future__ import annotations

from typing import Any, Dict, List, TypeVar

from falaj.authoring.wording import listed
from falaj.errors import DeploymentUnavailable

_Kind = TypeVar("_Kind", bound=type)

# Those of Metaflow, and our own.
KNOWN = ("argo_workflows", "step_functions", "airflow", "local")
_NOT_YET = (
    "Deploying to this machine needs Falaj's service, which this release does not have. Until "
    "then run the flow with Runner, or have cron run `python flow.py run`."
)
_providers: Dict[str, Any] = {}


def register_provider(kind: _Kind) -> _Kind:
    """Let `Deployer` deploy with the DeployerImpl `kind`, under its TYPE; also as a decorator."""
    name = getattr(kind, "TYPE", None)
    if not name:
        raise ValueError("{} has no TYPE, which names it.".format(kind.__name__))
    _providers[method_of(name)] = kind
    return kind


def provider(name: str) -> Any:
    """Return the DeployerImpl of that name; DeploymentUnavailable says what there is."""
    found = _providers.get(method_of(name))
    if found is None:
        raise DeploymentUnavailable(unavailable(method_of(name)))
    return found


def available() -> List[str]:
    """Return the names of the providers that are there."""
    return sorted(_providers)


def method_of(name: str) -> str:
    """Return a provider's name as a method's: `argo-workflows` is `argo_workflows`."""
    return name.replace("-", "_")


def unavailable(name: str) -> str:
    """Return what to say of a provider that is not there."""
    if name == "local":
        return _NOT_YET
    others = available()
    there = "There is {}.".format(listed(others)) if others else _NOT_YET
    return "Falaj does not deploy to `{}`. {}".format(name, there)
