"""How an interpreter of control is started: clean, and finding its packages where ours are."""

from __future__ import annotations

import os
import sys
from typing import List

_BOOT = "import sys; sys.path.insert(0, {root!r}); sys.path.extend({paths!r}); {call}"


def control_command(call: str) -> List[str]:
    """Return the command of a clean interpreter that finds control's packages and makes a call."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    script_folder = sys.path[0] if sys.path else ""
    paths = [path for path in sys.path if path and path != script_folder and path != root]
    boot = _BOOT.format(root=root, paths=paths, call=call)
    return [sys.executable, "-I", "-S", "-X", "utf8", "-c", boot]
