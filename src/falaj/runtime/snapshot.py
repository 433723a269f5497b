"""The code of a run: the flow's file and the local modules that it imports, content-addressed."""

from __future__ import annotations

import ast
import json
import os
import sys
import sysconfig
from typing import Dict, Iterator, List, Set

from falaj.model.graph import FlowDescription
from falaj.model.orders import Order, Report
from falaj.runtime.failure import describe_exception
from falaj.store.blobs import BlobStore


def take_snapshot(description: FlowDescription, order: Order) -> Report:
    """Store the code; the report's manifest is the digest of the listing.

    The listing is JSON: the script's name and for each file, relative to the script's folder,
    the digest of its contents.
    """
    try:
        os.nice(10)
        store = BlobStore(str(order.context["store"]))
        script = os.path.abspath(description.file)
        folder = os.path.dirname(script)
        files: Dict[str, str] = {}
        for path in sorted(local_files(script)):
            try:
                with open(path, "rb") as file:
                    files[os.path.relpath(path, folder)] = store.put(file.read())
            except OSError:
                # Removed since it was imported; what can be kept is kept.
                continue
        listing = {"script": os.path.basename(script), "files": files}
        digest = store.put(json.dumps(listing, sort_keys=True).encode())
        return Report("succeeded", digest, None, None, "", {})
    except Exception as error:
        return Report("failed", None, None, describe_exception(error), "", {})


def local_files(script: str) -> Set[str]:
    """Return the script and the user's own modules: imported, or named by an import statement."""
    folder = os.path.dirname(script)
    outside = _installed_folders()
    found = {script}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and path.endswith(".py"):
            path = os.path.abspath(path)
            if not any(path.startswith(root) for root in outside) and os.path.isfile(path):
                found.add(path)
    pending = list(found)
    while pending:
        for path in _named_by(pending.pop(), folder):
            if path not in found:
                found.add(path)
                pending.append(path)
    return found


def _installed_folders() -> List[str]:
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    roots = {ours, os.path.join(os.path.dirname(ours), "falaj_control")}
    paths = sysconfig.get_paths()
    roots.update(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    roots.update(path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
    return [os.path.abspath(root) + os.sep for root in roots if root]


def _named_by(path: str, folder: str) -> Iterator[str]:
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        names: List[str] = []
        base = folder
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = os.path.dirname(path)
                for _ in range(node.level - 1):
                    base = os.path.dirname(base)
            module = node.module or ""
            names = [module] if module else []
            names += ["{}.{}".format(module, alias.name).strip(".") for alias in node.names]
        for name in names:
            for candidate in _candidates(base, name):
                if os.path.isfile(candidate):
                    yield candidate


def _candidates(base: str, name: str) -> Iterator[str]:
    place = base
    for part in name.split("."):
        place = os.path.join(place, part)
        yield os.path.join(place, "__init__.py")
    yield place + ".py"
