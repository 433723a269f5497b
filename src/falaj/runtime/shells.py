"""Ways to look around in a scope: a shell, the debugger, or a piece of code."""

from __future__ import annotations

import ast
import sys
import traceback
from types import TracebackType
from typing import Any, Dict, Optional

_CODE = "<code>"


def open_shell(banner: str, scope: Dict[str, Any]) -> None:
    """Let a person type Python in `scope`, in IPython where there is one and a terminal."""
    if sys.stdin.isatty() and _open_ipython(banner, scope):
        return
    # Imported here, as all that only one of these ways needs.
    import code

    if sys.stdin.isatty():
        _complete_names(scope)
    code.interact(banner, local=scope, exitmsg="")


def open_debugger(trace: Optional[TracebackType], above: int) -> None:
    """Open pdb post mortem, `above` frames above the innermost one of `trace`."""
    import pdb

    debugger = pdb.Pdb()
    debugger.rcLines.extend(["up"] * above)
    debugger.reset()
    debugger.interaction(None, trace)  # type: ignore[arg-type]


def run_code(source: str, scope: Dict[str, Any]) -> int:
    """Run a piece of code in `scope`, showing the value of a last expression; return the status."""
    scope["__name__"] = "__main__"
    try:
        tree = ast.parse(source, _CODE)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, _CODE, "exec", dont_inherit=True), scope)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), _CODE, "eval"), scope)
            if value is not None:
                print(repr(value))
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException as error:
        trace = error.__traceback__
        lines = traceback.format_exception(type(error), error, trace and trace.tb_next)
        sys.stderr.write("".join(lines))
        return 1
    sys.stdout.flush()
    return 0


def _open_ipython(banner: str, scope: Dict[str, Any]) -> bool:
    try:
        from importlib import import_module

        embed: Any = import_module("IPython.terminal.embed")
    except ImportError:
        return False
    shell = embed.InteractiveShellEmbed(banner1=banner + "\n", user_ns=scope)
    # Ctrl-D leaves, as the banner says: there is nothing to lose.
    shell.confirm_exit = False
    shell(local_ns=scope)
    return True


def _complete_names(scope: Dict[str, Any]) -> None:
    try:
        import readline
        import rlcompleter
    except ImportError:
        # Some Pythons are built without it.
        return
    readline.set_completer(rlcompleter.Completer(scope).complete)
    readline.parse_and_bind("tab: complete")
