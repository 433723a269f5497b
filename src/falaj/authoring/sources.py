"""The source files of a flow, read through the line cache and parsed once each."""

from __future__ import annotations

import ast
import linecache
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from falaj.authoring.transitions import FunctionNode


class _File(NamedTuple):
    lines: List[str]
    functions: Dict[Tuple[str, int], FunctionNode]
    classes: Dict[str, ast.ClassDef]


class Sources:
    """Syntax trees by function and class, for files, notebook cells and zipped modules alike."""

    def __init__(self) -> None:
        """Begin with no file."""
        self._files: Dict[str, _File] = {}

    def function(self, function: Any) -> Optional[FunctionNode]:
        """Return the syntax tree of a function, or None where its source can't be read."""
        code = function.__code__
        file = self._read(code.co_filename, function.__globals__)
        return file.functions.get((code.co_name, code.co_firstlineno))

    def def_line(self, file: str, node: FunctionNode) -> int:
        """Return the line of a function's `def`, which stands below its decorators."""
        lines = self._files[file].lines
        line = max([node.lineno] + [decorator.lineno for decorator in node.decorator_list])
        # Python 3.7 gives the first decorator's line for the function's own.
        while line < node.body[0].lineno:
            if lines[line - 1].lstrip().startswith(("def ", "async ")):
                return line
            line += 1
        return node.lineno

    def class_line(self, file: str, names: Mapping[str, Any], name: str) -> int:
        """Return the line of a class, or 0 where its source can't be read."""
        node = self._read(file, names).classes.get(name)
        return node.lineno if node is not None else 0

    def repeated(
        self, file: str, names: Mapping[str, Any], name: str
    ) -> Iterator[Tuple[str, int, int]]:
        """Yield name, first and last line of what a class body defines again, steps or values."""
        node = self._read(file, names).classes.get(name)
        seen: Dict[str, Tuple[int, bool]] = {}
        for statement in node.body if node is not None else ():
            line, marked = statement.lineno, _is_marked(statement)
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                line = self.def_line(file, statement)
            for bound in _bound(statement):
                first, was_marked = seen.get(bound, (0, False))
                if first and (marked or was_marked):
                    yield bound, first, line
                seen[bound] = (line, marked)

    def _read(self, path: str, names: Mapping[str, Any]) -> _File:
        if path not in self._files:
            linecache.checkcache(path)
            lines = linecache.getlines(path, dict(names))
            try:
                tree = ast.parse("".join(lines))
            except (SyntaxError, ValueError):
                tree = ast.parse("")
            file = _File(lines, {}, {})
            for node in ast.walk(tree):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    first = [decorator.lineno for decorator in node.decorator_list]
                    file.functions[node.name, min([*first, node.lineno])] = node
                elif isinstance(node, ast.ClassDef):
                    file.classes[node.name] = node
            self._files[path] = file
        return self._files[path]


def _bound(statement: ast.stmt) -> List[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id] if statement.value is not None else []
    return []


def _is_marked(statement: ast.stmt) -> bool:
    if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    for decorator in statement.decorator_list:
        plain = decorator.func if isinstance(decorator, ast.Call) else decorator
        if getattr(plain, "id", getattr(plain, "attr", "")) == "step":
            return True
    return False
