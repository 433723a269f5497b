"""Where Falaj keeps everything on this machine, and how that place is found."""

from __future__ import annotations

import os
from typing import Mapping, NamedTuple, Optional

FOLDER = ".falaj"
VARIABLE = "FALAJ_HOME"
TASK_VARIABLE = "FALAJ_TASK"
SPIN_FOLDER = "spin"


class Home(NamedTuple):
    """The folder that holds records, store and logs; all paths are absolute.

    `shares` is the root of the home whose store it uses, empty where it has its own.
    """

    root: str
    shares: str = ""

    @property
    def records(self) -> str:
        """The SQLite file."""
        return os.path.join(self.root, "records.db")

    @property
    def store(self) -> str:
        """The folder of blobs."""
        return os.path.join(self.shares or self.root, "store")

    @property
    def travelled(self) -> str:
        """The folder of the user's packages that travelled into other environments."""
        return os.path.join(self.shares or self.root, "travel")

    def log(self, run: int, task: int, attempt: int) -> str:
        """The log file of one attempt; absent where it printed nothing."""
        return os.path.join(self.root, "logs", str(run), "{}.{}.log".format(task, attempt))

    def hooks_log(self, run: int) -> str:
        """The log file of a run's exit hooks; absent where it called none."""
        return os.path.join(self.root, "logs", str(run), "exit_hooks.log")


def spin_home(home: Home) -> Home:
    """Return where the spins of a home's tasks are recorded; they share its store."""
    root = home.shares or home.root
    return Home(os.path.join(root, SPIN_FOLDER), root)


def find_home(environ: Optional[Mapping[str, str]] = None, cwd: Optional[str] = None) -> Home:
    """Return the home: FALAJ_HOME, else the nearest .falaj folder upwards, else ~/.falaj.

    Nothing is created. Where no home folder is known either, the machine's temporary folder
    serves, by user id.
    """
    environ = os.environ if environ is None else environ
    named = environ.get(VARIABLE)
    if named:
        return Home(os.path.abspath(os.path.expanduser(named)))
    folder = os.path.abspath(cwd or os.getcwd())
    while True:
        candidate = os.path.join(folder, FOLDER)
        if os.path.isdir(candidate):
            return Home(candidate)
        parent = os.path.dirname(folder)
        if parent == folder:
            break
        folder = parent
    return Home(os.path.join(home_folder(environ), FOLDER))


def home_folder(environ: Mapping[str, str]) -> str:
    """Return the user's own folder; where none is known, a temporary one by user id."""
    named = environ.get("HOME")
    if named and os.path.isabs(named):
        return named
    expanded = os.path.expanduser("~")
    if os.path.isabs(expanded):
        return expanded
    # Imported here: hardly ever needed, and what it imports makes every fork dearer.
    import tempfile

    return os.path.join(tempfile.gettempdir(), "falaj-{}".format(os.getuid()))


def user_name(environ: Optional[Mapping[str, str]] = None) -> str:
    """Return who runs this: FALAJ_USER, SUDO_USER, USERNAME, USER, LOGNAME, the
    system's name for the user id, else the id."""
    environ = os.environ if environ is None else environ
    for variable in ("FALAJ_USER", "SUDO_USER", "USERNAME", "USER", "LOGNAME"):
        name = environ.get(variable)
        if name:
            return name
    # Imported here: most environments name the user.
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
