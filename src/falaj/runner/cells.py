"""From a flow class of a notebook to the text of a file that runs it: the cell that defines it."""

from __future__ import annotations

import ast
import builtins
import linecache
import symtable
import sys
import types
from typing import Any, Dict, Iterator, List, Mapping, Set, Tuple

from falaj.authoring.wording import listed
from falaj.errors import NotebookFlowError

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
# Put among the builtins by the notebook alone.
_NOTEBOOK_BUILTINS = ("display", "get_ipython")
_OF_EVERY_MODULE = {"__name__", "__file__", "__doc__", "__builtins__", "__spec__", "__package__"}


def flow_file_text(flow: Any, instead: str) -> str:
    """Return the text of a file that runs `flow`, from the cell that defines it.

    Its lines are where they are in the cell. What stands before the class is kept, but for magic
    commands; of what stands behind it, definitions and imports. `instead` names what runs flows of
    files. Raises NotebookFlowError for a class of a file, and where the cell uses what other cells
    define.
    """
    if not isinstance(flow, type):
        raise NotebookFlowError(
            "The first argument is a flow's class, as in NBRunner(MyFlow), not {!r}.".format(flow)
        )
    if flow.__module__ != "__main__":
        raise NotebookFlowError(
            "{} comes from the module {}, not from a cell. Use {}({!r}).".format(
                flow.__name__,
                flow.__module__,
                instead,
                getattr(sys.modules.get(flow.__module__), "__file__", None) or "flow.py",
            )
        )
    source = _cell_of(flow, instead)
    text = _runnable(source, flow.__name__)
    missing = _missing(text, vars(sys.modules["__main__"]))
    if missing:
        raise NotebookFlowError(_told(flow.__name__, missing))
    return text


def _cell_of(flow: type, instead: str) -> str:
    for value in vars(flow).values():
        code = getattr(getattr(value, "__func__", value), "__code__", None)
        if isinstance(code, types.CodeType):
            lines = linecache.getlines(code.co_filename)
            if any("class " + flow.__name__ in line for line in lines):
                return "".join(lines)
    raise NotebookFlowError(
        "The cell that defines {} can't be found. Define the flow in a cell of its own, without a "
        "magic command such as %%time at its top; a flow of a file runs with {}.".format(
            flow.__name__, instead
        )
    )


def _runnable(source: str, name: str) -> str:
    tree = ast.parse(source)
    lines = source.encode("utf-8").split(b"\n")
    dropped: List[ast.stmt] = []
    is_behind = False
    for node in tree.body:
        if isinstance(node, _DEFINITIONS):
            is_behind = is_behind or (isinstance(node, ast.ClassDef) and node.name == name)
        elif is_behind or _is_magic(node):
            dropped.append(node)
    # Backwards, since what stands behind one on its line moves.
    for node in reversed(dropped):
        _blank(lines, node)
    text = b"\n".join(lines).decode("utf-8").rstrip("\n")
    return '{}\n\n\nif __name__ == "__main__":\n    {}()\n'.format(text, name)


def _is_magic(node: ast.stmt) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "get_ipython" for one in ast.walk(node))


def _blank(lines: List[bytes], node: Any) -> None:
    # Positions are counted in bytes. Other statements may stand on the same lines.
    first, last = int(node.lineno) - 1, int(node.end_lineno) - 1
    behind = lines[last][int(node.end_col_offset) :]
    lines[first] = lines[first][: int(node.col_offset)] + b"pass" + behind
    for number in range(first + 1, last + 1):
        lines[number] = b""


def _missing(text: str, notebook: Mapping[str, Any]) -> Dict[str, Any]:
    table = symtable.symtable(text, "cell", "exec")
    defined = {one.get_name() for one in table.get_symbols() if one.is_assigned()}
    defined |= {one.get_name() for one in table.get_symbols() if one.is_imported()}
    defined |= _starred(ast.parse(text)) | _declared_global(table)
    known = set(dir(builtins)) - set(_NOTEBOOK_BUILTINS) | _OF_EVERY_MODULE
    names = sorted(set(_used(table)) - defined - known)
    everything = {name: vars(builtins).get(name) for name in _NOTEBOOK_BUILTINS}
    everything.update(notebook)
    # A name that the notebook does not have either fails as it would anywhere.
    return {name: everything[name] for name in names if everything.get(name) is not None}


def _used(table: symtable.SymbolTable) -> Iterator[str]:
    is_module = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (is_module or symbol.is_global()):
            yield symbol.get_name()
    for child in table.get_children():
        for name in _used(child):
            yield name


def _declared_global(table: symtable.SymbolTable) -> Set[str]:
    found: Set[str] = set()
    for child in table.get_children():
        for symbol in child.get_symbols():
            if symbol.is_declared_global() and symbol.is_assigned():
                found.add(symbol.get_name())
        found |= _declared_global(child)
    return found


def _starred(tree: ast.Module) -> Set[str]:
    found: Set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            module = sys.modules.get(node.module or "")
            names = [name for name in vars(module or builtins) if not name.startswith("_")]
            found.update(getattr(module, "__all__", names))
    return found


def _told(flow: str, missing: Mapping[str, Any]) -> str:
    imports: List[str] = []
    others: List[str] = []
    for name, value in missing.items():
        kind, line = _origin(name, value)
        (imports if kind else others).append(line)
    lines = [
        "The cell that defines {} uses {}, which it does not define. A flow of a notebook runs "
        "from its own cell alone.".format(flow, listed(missing))
    ]
    if imports:
        lines.append("Put into that cell:")
        lines += ["    " + line for line in imports]
    if others:
        lines.append("Define in that cell, or pass as a parameter: {}.".format(listed(others)))
    return "\n".join(lines)


def _origin(name: str, value: Any) -> Tuple[bool, str]:
    if isinstance(value, types.ModuleType):
        module = value.__name__
        return True, "import " + module + ("" if module == name else " as " + name)
    if name in _NOTEBOOK_BUILTINS:
        return True, "from IPython import get_ipython" if name == "get_ipython" else (
            "from IPython.display import display"
        )
    module = getattr(value, "__module__", None)
    own = getattr(value, "__name__", None)
    if isinstance(module, str) and module not in ("__main__", "builtins") and isinstance(own, str):
        # What is public at the root of its package is imported from there.
        root = module.partition(".")[0]
        shown = root if getattr(sys.modules.get(root), own, None) is value else module
        return True, "from {} import {}{}".format(shown, own, "" if own == name else " as " + name)
    return False, name
