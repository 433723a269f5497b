"""Reading the form of a step's `self.next(...)` calls from its syntax tree."""

from __future__ import annotations

import ast
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple, Union

from falaj.authoring.draft import NextCall
from falaj.authoring.wording import near_miss
from falaj.model.graph import FOREACH, LINEAR, PARALLEL, SPLIT, SWITCH, Case

FunctionNode = Union[ast.FunctionDef, ast.AsyncFunctionDef]

_FORMS = (
    "write self.next(self.a), self.next(self.a, self.b), self.next(self.a, foreach='items'), "
    "self.next(self.a, num_parallel=4) or self.next({'x': self.a, 'y': self.b}, condition='kind')"
)
_SWITCH = "write self.next({'x': self.a, 'y': self.b}, condition='kind') for self.kind"
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
    keywords: Dict[Optional[str], ast.expr] = {one.arg: one.value for one in call.keywords}
    if "condition" in keywords or any(isinstance(node, ast.Dict) for node in call.args):
        return _read_switch(call, self_name, names, is_last)
    targets = tuple(
        node.attr
        for node in call.args
        if isinstance(node, ast.Attribute) and _is_own(node, self_name)
    )
    kind = LINEAR if len(targets) == 1 else SPLIT
    foreach: Optional[str] = None
    size: Optional[int] = None
    if "num_parallel" in keywords:
        kind, size = PARALLEL, _number(keywords["num_parallel"])
    if "foreach" in keywords:
        kind, foreach = FOREACH, _text(keywords["foreach"], names)
    fault = _fault(call, self_name, targets, kind, foreach)
    if not fault and size is not None and size < 1:
        fault = "asks for a gang of {}; num_parallel is a whole number from 1 on".format(size)
    return NextCall(
        call.lineno, kind, targets, foreach, fault, is_last, num_parallel=None if fault else size
    )


def _fault(
    call: ast.Call, self_name: str, targets: Tuple[str, ...], kind: str, foreach: Optional[str]
) -> str:
    for node in call.args:
        if not _is_own(node, self_name):
            return _target_fault(node, self_name)
    given = [keyword.arg for keyword in call.keywords]
    for name in given:
        if name is None:
            return "takes its arguments from a dict; {}".format(_FORMS)
        if name not in _KEYWORDS:
            return "has an unknown argument `{}`{}; {}".format(
                name, near_miss(name, _KEYWORDS), _FORMS
            )
    if len(given) > 1:
        return "has both foreach and num_parallel; start the gang in a step of the foreach"
    if not targets:
        return "names no step; {}".format(_FORMS)
    for target in targets:
        if targets.count(target) > 1:
            return "names step `{}` twice; name every branch once".format(target)
    if kind == FOREACH and (foreach is None or not foreach.isidentifier()):
        return "has a foreach that is not an artifact's name; write foreach='items' for self.items"
    if kind in (FOREACH, PARALLEL) and len(targets) > 1:
        return "fans out to {} steps at once; a {} goes to exactly one step".format(
            len(targets), "foreach" if kind == FOREACH else "gang"
        )
    return ""


def _read_switch(
    call: ast.Call, self_name: str, names: Mapping[str, Any], is_last: bool
) -> NextCall:
    cases: Tuple[Case, ...] = ()
    condition: Optional[str] = None
    fault = _switch_fault(call)
    if not fault:
        node: Any = call.args[0]
        condition = _text(call.keywords[0].value, names)
        if condition is None or not condition.isidentifier():
            fault = "has a condition that is not an artifact's name; {}".format(_SWITCH)
        else:
            fault, cases = _read_cases(node, self_name)
    targets = tuple(dict.fromkeys(case.target for case in cases))
    if len(targets) == 1:
        fault = "leads to step `{0}` in every case; write self.next(self.{0})".format(targets[0])
    return NextCall(call.lineno, SWITCH, targets, None, fault, is_last, condition, cases)


def _switch_fault(call: ast.Call) -> str:
    given = [keyword.arg for keyword in call.keywords]
    dicts = [node for node in call.args if isinstance(node, ast.Dict)]
    for name in ("foreach", "num_parallel"):
        if name in given:
            return "has a condition and {0}; let the step that is chosen start the {1}".format(
                name, "foreach" if name == "foreach" else "gang"
            )
    if "condition" not in given:
        return "gives cases, but no condition; {}".format(_SWITCH)
    if len(given) > 1:
        return "has an argument beside its condition; {}".format(_SWITCH)
    if not dicts:
        return "has a condition, but no cases; {}".format(_SWITCH)
    if len(call.args) > 1:
        return "goes to a step beside its cases; {}".format(_SWITCH)
    return "" if dicts[0].keys else "has no cases; {}".format(_SWITCH)


def _read_cases(node: ast.Dict, self_name: str) -> Tuple[str, Tuple[Case, ...]]:
    cases: List[Case] = []
    for key, value in zip(node.keys, node.values):
        if not isinstance(value, ast.Attribute) or not _is_own(value, self_name):
            return _target_fault(value, self_name), ()
        case = _case(key, value.attr, self_name)
        if case is None:
            return (
                "has a case that is not written out; a case is a text, a number, True, False or "
                "a value of a config, as in self.config.mode",
                (),
            )
        cases.append(case)
    return "", tuple(cases)


def _case(key: Optional[ast.expr], target: str, self_name: str) -> Optional[Case]:
    if isinstance(key, ast.Attribute):
        owner = key.value
        if isinstance(owner, ast.Attribute) and _is_own(owner, self_name):
            return Case(None, target, "{}.{}".format(owner.attr, key.attr))
    elif key is not None:
        try:
            value = ast.literal_eval(key)
        except ValueError:
            return None
        if isinstance(value, (str, int, float)):
            return Case(value, target)
    return None


def _number(node: ast.AST) -> Optional[int]:
    try:
        value = ast.literal_eval(node)
    except (TypeError, ValueError):
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


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
