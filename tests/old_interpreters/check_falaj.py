"""Import all of falaj, and run the tests of this folder, in the interpreter that runs this file.

Usage: python -I -S check_falaj.py ZIP, where ZIP holds `falaj`, compiled for this interpreter.
Prints the number of modules imported. Written for Python 3.7 and the standard library alone.
"""

import importlib
import os
import pkgutil
import sys
import unittest
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    """Return the exit code: 0 where every module imports and every test passes."""
    place = sys.argv[1]
    sys.path.insert(0, place)
    warnings.simplefilter("error")
    falaj = importlib.import_module("falaj")
    if not falaj.__file__.startswith(place + os.sep):
        print("falaj was imported from {}, not from {}".format(falaj.__file__, place))
        return 1
    modules = ["falaj"]
    for module in pkgutil.walk_packages(falaj.__path__, "falaj.", onerror=_fail):
        if not importlib.import_module(module.name).__file__.endswith(".pyc"):
            print("{} was compiled anew".format(module.name))
            return 1
        modules.append(module.name)
    foreign = [path for path in sys.path if "site-packages" in path or "dist-packages" in path]
    if foreign:
        print("This environment is not empty: {}".format(foreign))
        return 1
    print("modules: {}".format(len(modules)))
    tests = unittest.defaultTestLoader.discover(HERE, pattern="test_*.py", top_level_dir=HERE)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=0, warnings="error").run(tests)
    return 0 if result.wasSuccessful() else 1


def _fail(name):
    raise ImportError("could not import {}".format(name)) from sys.exc_info()[1]


if __name__ == "__main__":
    sys.exit(main())
