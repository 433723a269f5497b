"""Reading the form of a step's `self.next(...)` calls from its syntax tree."""

from __future__ import annotations

import ast
from typing import Any, Iterator, List, Mapping, Optional, Tuple, Union

from falaj.authoring.draft import NextCall
from falaj.authoring.wording import near_miss
from falaj.model.graph import FOREACH, LINEAR, SPLIT

FunctionNode = Union[ast.FunctionDef, ast.AsyncFunctionDef]

_FORMS = "write self.next(self.a), self.next(self.a, self.b) or self.next(self.a, foreach='items')"
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_KEYWORDS = ("foreach", "condition", "num_parallel")


def next_calls(function: FunctionNode, names: Mapping[str, Any]) -> Tuple[NextCall, ...]:
    """Return the calls of `self.next` in the order of their lines.

    Functions within the function are left out. `names` are the globals that a variable given as
    `foreach=` is looked up in.
    """
    if not function.args.args:
        return ()
    self_name = function.args.args[0].arg
    last = function.body[-1]
    final = last.value if isinstance(last, ast.Expr) else None
    calls = [
        _read(node, self_name, names, node is final)
        for node in _nodes(function)
        if isinstance(node, ast.Call) and _is_own(node.func, self_name, "next")
    ]
    return tuple(sorted(calls, key=lambda call: call.line))


def _nodes(function: FunctionNode) -> Iterator[ast.AST]:
    stack: List[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _SCOPES):
            stack.extend(ast.iter_child_nodes(node))


def _is_own(node: ast.AST, self_name: str, attribute: Optional[str] = None) -> bool:
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return False
    return node.value.id == self_name and attribute in (None, node.attr)


def _read(call: ast.Call, self_name: str, names: Mapping[str, Any], is_last: bool) -> NextCall:
    targets = tuple(
        node.attr
        for node in call.args
        if isinstance(node, ast.Attribute) and _is_own(node, self_name)
    )
    foreach: Optional[str] = None
    kind = LINEAR if len(targets) == 1 else SPLIT
    for keyword in call.keywords:
        if keyword.arg == "foreach":
            kind, foreach = FOREACH, _text(keyword.value, names)
    fault = _fault(call, self_name, targets, kind, foreach)
    return NextCall(call.lineno, kind, targets, foreach, fault, is_last)


def _fault(
    call: ast.Call, self_name: str, targets: Tuple[str, ...], kind: str, foreach: Optional[str]
) -> str:
    for node in call.args:
        if isinstance(node, ast.Dict):
            return "chooses by a condition, which is not supported yet"
        if not _is_own(node, self_name):
            return _target_fault(node, self_name)
    for keyword in call.keywords:
        if keyword.arg == "condition":
            return "chooses by a condition, which is not supported yet"
        if keyword.arg == "num_parallel":
            return "uses num_parallel, which is not supported yet"
        if keyword.arg is None:
            return "takes its arguments from a dict; {}".format(_FORMS)
        if keyword.arg != "foreach":
            hint = near_miss(keyword.arg, _KEYWORDS)
            return "has an unknown argument `{}`{}; {}".format(keyword.arg, hint, _FORMS)
    if not targets:
        return "names no step; {}".format(_FORMS)
    for target in targets:
        if targets.count(target) > 1:
            return "names step `{}` twice; name every branch once".format(target)
    if kind == FOREACH and (foreach is None or not foreach.isidentifier()):
        return "has a foreach that is not an artifact's name; write foreach='items' for self.items"
    if kind == FOREACH and len(targets) > 1:
        return "fans out to {} steps at once; a foreach goes to exactly one step".format(
            len(targets)
        )
    return ""


def _target_fault(node: ast.AST, self_name: str) -> str:
    if isinstance(node, ast.Starred):
        return "takes its steps from a variable; name each one, as in self.next(self.a, self.b)"
    if isinstance(node, ast.Call) and _is_own(node.func, self_name):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        return "calls step `{0}`; name it without parentheses, as in self.next(self.{0})".format(
            name
        )
    text = _text(node, {})
    if text is not None and text.isidentifier():
        return "names step `{0}` by a text; write self.next(self.{0})".format(text)
    return "has a target that is not a step; {}".format(_FORMS)


def _text(node: ast.AST, names: Mapping[str, Any]) -> Optional[str]:
    if isinstance(node, ast.Constant):
        value: Any = node.value
    elif isinstance(node, ast.Name):
        value = names.get(node.id)
    else:
        # Python 3.7 has a node of its own for texts.
        value = getattr(node, "s", None)
    return value if isinstance(value, str) else None
