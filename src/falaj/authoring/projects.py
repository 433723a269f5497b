"""Projects: what they and their branches may be called, and the branch that a run belongs to."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, NoReturn, Optional

from falaj.authoring.wording import told
from falaj.errors import DecoratorError
from falaj.model.graph import DecoratorSpec, FlowDescription

LONGEST = 128
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


class AskedBranch(NamedTuple):
    """What the command line says of the branch; None and False where it says nothing."""

    branch: Optional[str] = None
    production: bool = False


NOTHING_ASKED = AskedBranch()


def name_fault(name: Any) -> str:
    """Return what is wrong with the name of a project or a branch, or nothing."""
    if not isinstance(name, str) or not name or not _LETTERS.issuperset(name):
        return "has only lower-case letters, digits and `_`, unlike {!r}".format(name)
    if len(name) > LONGEST:
        return "has at most {} characters, not {}".format(LONGEST, len(name))
    return ""


def settle_project(
    description: FlowDescription,
    asked: AskedBranch,
    user: str,
    before: Optional[Mapping[str, Any]] = None,
) -> Optional[Dict[str, Any]]:
    """Return what `current` tells of a run's project, by name; None for a flow without @project.

    What the decorator says holds, then what is `asked`, then what `before`, the run that is
    resumed, had, then the branch of `user`. Raises DecoratorError where decorator and command line
    contradict each other.
    """
    spec = description.decorator("project")
    if spec is None:
        return None
    name, branch, production = (spec.attributes[key] for key in ("name", "branch", "production"))
    if asked.branch is not None and branch not in (None, asked.branch):
        _contradicts(spec, "--branch {}".format(asked.branch), "branch={!r}".format(branch))
    if asked.production and production is False:
        _contradicts(spec, "--production", "production=False")
    chosen = branch or asked.branch
    if before is not None and not (chosen or asked.production) and production is None:
        return _facts(
            name,
            str(before["branch_name"]),
            description.name,
            bool(before["is_production"]),
            bool(before["is_user_branch"]),
        )
    is_production = bool(production) or asked.production
    return _facts(
        name,
        branch_name(chosen, is_production, user),
        description.name,
        is_production,
        not (chosen or is_production),
    )


def branch_name(branch: Optional[str], production: bool, user: str) -> str:
    """Return the full name of a project's branch: `user.ada`, `test.x`, `prod` or `prod.x`."""
    if branch:
        return "{}.{}".format("prod" if production else "test", branch)
    return "prod" if production else "user.{}".format(user)


def _facts(
    name: str, branch: str, flow: str, is_production: bool, is_user_branch: bool
) -> Dict[str, Any]:
    return {
        "project_name": name,
        "branch_name": branch,
        "project_flow_name": ".".join((name, branch, flow)),
        "is_user_branch": is_user_branch,
        "is_production": is_production,
    }


def _contradicts(spec: DecoratorSpec, option: str, argument: str) -> NoReturn:
    message = "{} contradicts @project({}); leave one of them out.".format(option, argument)
    raise DecoratorError(told(spec.file, spec.line, message), spec.line)
