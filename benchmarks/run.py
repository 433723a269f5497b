"""Compares Falaj with the current Metaflow and with bare limits, in one run, and prints a table."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable

import carrying
import comparing
import fanning
import looking
import outfitting
import reading
import starting
from measuring import Failed
from places import WORK, Sides, set_up, versions
from table import Row, markdown

BENCHMARKS: dict[str, Callable[[Sides, bool], list[Row]]] = {
    "hello": starting.hello,
    "import": starting.importing,
    "show": starting.showing,
    "foreach": fanning.thousand,
    "wide": fanning.ten_thousand,
    "widest": fanning.hundred_thousand,
    "array": carrying.array,
    "small": carrying.small,
    "card": carrying.card,
    "resume": reading.resume,
    "client": reading.client,
    "table": comparing.table,
    "metrics": comparing.metrics,
    "walk": reading.walk,
    "spin": looking.spin,
    "dump": looking.dump,
    "environments": outfitting.warm,
    "cold": outfitting.cold,
}
ONLY_IN_FULL = ("widest",)


def main() -> int:
    """Measure what the command line asks for; return 1 where a bar was missed or work failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repeats: a first impression")
    parser.add_argument("--full", action="store_true", help="also a foreach of 100,000 tasks")
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS)
    )
    options = parser.parse_args()
    names = options.only or [
        name for name in BENCHMARKS if options.full or name not in ONLY_IN_FULL
    ]
    began = time.monotonic()
    sides = set_up()
    rows: list[Row] = []
    failures: list[str] = []
    load_before = os.getloadavg()
    for name in names:
        print(f"[{time.monotonic() - began:5.0f} s] {name}", file=sys.stderr, flush=True)
        try:
            rows += BENCHMARKS[name](sides, options.quick)
        except Failed as failure:
            failures.append(f"{name}: {failure}")
    print(versions(sides))
    print("load average before: {:.1f} {:.1f} {:.1f}".format(*load_before))
    print(f"took {time.monotonic() - began:.0f} s\n")
    print(markdown(rows))
    for failure in failures:
        print(f"\nFAILED {failure}")
    missed = [row.work.strip() for row in rows if row.ok is False]
    if missed:
        print("\nMissed bars:", *missed, sep="\n  ")
    shutil.rmtree(WORK, ignore_errors=True)
    return 1 if failures or missed else 0


if __name__ == "__main__":
    sys.exit(main())
