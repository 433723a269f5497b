"""The variables of a process that runs inside an environment: a step's host, a person's shell."""

from __future__ import annotations

import os
from collections.abc import Mapping

# These would let the launching environment into another one.
_LEFT_OUT = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONUSERBASE",
    "PYTHONEXECUTABLE",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "__PYVENV_LAUNCHER__",
)


def variables_inside(prefix: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` as it is inside the environment in the folder `prefix`.

    Its programs come first, and no user site or path of another Python is seen.
    """
    kept = {name: value for name, value in environ.items() if name not in _LEFT_OUT}
    programs = os.path.join(prefix, "bin")
    is_conda = os.path.isdir(os.path.join(prefix, "conda-meta"))
    return {
        **kept,
        "PATH": os.pathsep.join(filter(None, (programs, kept.get("PATH", "")))),
        "CONDA_PREFIX" if is_conda else "VIRTUAL_ENV": prefix,
        "PYTHONNOUSERSITE": "1",
    }
