"""Shows where the time of a foreach task goes: in control, in the host, and in the task itself."""

from __future__ import annotations

import argparse
import io
import json
import os
import pstats
import shutil
import statistics
import sys
from pathlib import Path

from instrumented import STAGES
from measuring import limit, timed
from places import HERE, WORK, Side, set_up

import falaj

_LINES = 30
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(falaj.__file__))) + os.sep


def main() -> None:
    """Measure a foreach three times, each time looking closer, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=1000, help="tasks of the foreach")
    parser.add_argument("--pandas", action="store_true", help="let the flow's file import pandas")
    parser.add_argument("--max-workers", type=int, default=16)
    parser.add_argument("--lines", type=int, default=_LINES, help="functions of each profile")
    options = parser.parse_args()
    falaj = set_up().falaj
    flow = falaj.flows / ("fan_pandas.py" if options.pandas else "fan.py")
    words = ("--max-workers", str(options.max_workers))

    def run(mode: str, width: int) -> Path:
        folder = WORK / mode
        folder.mkdir()
        given = [str(flow), "run", "--quiet", "--width", str(width), *words]
        command = [falaj.python, str(HERE / "instrumented.py"), mode, str(folder), *given]
        # Once without being looked at: bytecode and disk cache.
        timed(command, falaj.variables("where"))
        for left in folder.iterdir():
            left.unlink()
        timed(command, falaj.variables("where"))
        falaj.clear("where")
        return folder

    print("load average: {:.1f} {:.1f} {:.1f}\n".format(*os.getloadavg()))
    print_usage(falaj, run("usage", options.width), options.width, options.pandas)
    print_stages(run("stages", min(options.width, 300)))
    # A profiler in each of a thousand tasks would fill the folder, not change the picture.
    folder = run("profile", min(options.width, 300))
    print_profile("control", [folder / "control.profile"], options.lines)
    print_profile("host", [folder / "host.profile"], options.lines // 2)
    print_profile("tasks", list(folder.glob("task-*.profile")), options.lines)
    shutil.rmtree(WORK, ignore_errors=True)


def print_usage(falaj: Side, folder: Path, width: int, pandas: bool) -> None:
    """Print the processor time of each kind of process by task."""
    told = json.loads((folder / "usage-host.json").read_text())
    told["control"] = json.loads((folder / "usage-control.json").read_text())
    forks = limit(falaj, "forks", str(width), *(["pandas"] if pandas else []))["rate"]
    wall = told["wall"]
    print(f"A foreach of {width}: {wall:.2f} s, {width / wall:.0f} tasks/s")
    print(f"fork and wait alone: {1000 / forks:.2f} ms each, {forks:.0f}/s\n")
    print("processor time per task, in ms (start and end of the run shared out)")
    total = 0.0
    for name in ("control", "host", "tasks"):
        user, system = (1000 * told[name][kind] / width for kind in ("user", "system"))
        total += user + system
        print(f"  {name:8} user {user:6.2f}   system {system:6.2f}   both {user + system:6.2f}")
    print(f"  {'all':8} {total:6.2f}; on two processors at most {2000 / total:.0f} tasks/s\n")


def print_stages(folder: Path) -> None:
    """Print the stages of a task's process."""
    rows = [json.loads(line) for line in (folder / "stages").read_text().splitlines()]
    print(f"stages of a task's process, median of {len(rows)}, in ms    wall    cpu")
    for depth, _, name in (*STAGES, (0, "", "whole")):
        found = [row[name] for row in rows if name in row]
        if found:
            wall, cpu = (1000 * statistics.median(one[kind] for one in found) for kind in (0, 1))
            print(f"  {'  ' * depth + name:44}    {wall:7.3f} {cpu:7.3f}")
    print("  (what the kernel spends on fork, page faults of the end, and exit is not in here)\n")


def print_profile(name: str, files: list[Path], lines: int) -> None:
    """Print the functions of a profile that took most processor time themselves."""
    output = io.StringIO()
    stats = pstats.Stats(*map(str, files), stream=output)
    found = stats.stats  # type: ignore[attr-defined]
    whole = sum(own for _, _, own, _, _ in found.values()) or 1.0
    print(f"{name}: {1000 * whole / len(files):.2f} ms of processor time by cProfile")
    print("   own share   calls   own ms  with callees ms   function")
    ranked = sorted(found.items(), key=lambda item: -item[1][2])
    for (file, line, function), (_, calls, own, cumulative, _) in ranked[:lines]:
        place = "" if file == "~" else f"{file.replace(_OURS, '')}:{line} "
        print(
            f"   {100 * own / whole:8.1f}% {calls / len(files):8.1f} "
            f"{1000 * own / len(files):8.3f} {1000 * cumulative / len(files):8.3f}          "
            f"{place}{function}"
        )
    print()


if __name__ == "__main__":
    sys.exit(main())
