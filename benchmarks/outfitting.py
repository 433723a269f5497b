"""What an environment per step costs: ten that are there, and one that has to be made."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from measuring import Failed, flow_time, interleave, ratios, spread, timed
from places import WORK, Side, Sides
from table import Row, apart, seconds, times

ENVIRONMENTS = 10
WARM_SECONDS = 0.060
FIRST_TASK_SECONDS = 1.0
COLD_TIMES = 1.5
PACKAGES = ("pandas==2.2.3", "numpy==1.26.4")
_SHOWN_OF_A_FAILURE = 160


def warm(sides: Sides, quick: bool) -> list[Row]:
    """Run ten steps in ten environments that are there, and the same ten steps in none."""
    falaj = sides.falaj
    cache = str(falaj.home("cache"))
    first = falaj.home("outfitted") / "first-task"
    to_first: list[float] = []

    def outfitted() -> float:
        began = time.time()
        took = flow_time(
            falaj,
            "outfitted",
            "ten_environments.py",
            "run",
            FALAJ_CACHE=cache,
            FIRST_TASK=str(first),
        )
        to_first.append(float(first.read_text()) - began)
        return took

    def plain() -> float:
        return flow_time(falaj, "outfitted", "ten_environments.py", "--environment=local", "run")

    ours, bare = interleave(3 if quick else 9, outfitted, plain)
    falaj.clear("outfitted")
    each = spread([(a - b) / ENVIRONMENTS for a, b in zip(ours, bare, strict=True)])
    # The first was the round that makes them.
    warm_first = spread(to_first[1:])
    return [
        Row(
            "flow of 10 steps in 10 warm environments; beside: in none",
            seconds(spread(ours).median),
            seconds(spread(bare).median),
            f"{apart(each)} each",
            f"+{1000 * WARM_SECONDS:.0f} ms each",
            each.median <= WARM_SECONDS,
        ),
        Row(
            "  from the shell to its first task",
            seconds(warm_first.median),
            "",
            "",
            f"{FIRST_TASK_SECONDS} s",
            warm_first.median <= FIRST_TASK_SECONDS,
        ),
    ]


def cold(sides: Sides, quick: bool) -> list[Row]:
    """Make an environment with pandas whose packages have been fetched before, and use it."""
    falaj = sides.falaj
    cache = falaj.home("cold-cache")

    def ours() -> float:
        shutil.rmtree(cache, ignore_errors=True)
        return flow_time(falaj, "cold", "one_environment.py", "run", FALAJ_CACHE=str(cache))

    def again() -> float:
        return flow_time(falaj, "cold", "one_environment.py", "run", FALAJ_CACHE=str(cache))

    made, there, by_uv, by_pip = interleave(
        2 if quick else 5, ours, again, lambda: _by_uv(falaj), lambda: _by_pip(falaj)
    )
    falaj.clear("cold")
    rows = [
        Row(
            "flow with one environment, to be made (pandas, fetched before); limit: uv alone",
            seconds(spread(made).median),
            seconds(spread(by_uv).median),
            times(ratios(made, by_uv)),
            f"{COLD_TIMES}x uv",
            ratios(made, by_uv).median <= COLD_TIMES,
        ),
        Row(
            "  the same; beside: venv and pip alone",
            seconds(spread(made).median),
            seconds(spread(by_pip).median),
            f"{times(ratios(by_pip, made))} faster",
            "",
            None,
        ),
        Row(
            "  the same flow again",
            seconds(spread(there).median),
            "",
            f"{times(ratios(made, there))} faster",
            "",
            None,
        ),
    ]
    return [*rows, *_peer(sides.metaflow, spread(made).median, spread(there).median)]


def _peer(metaflow: Side, made: float, there: float) -> list[Row]:
    """Return rows on the peer, which fetches a program from the network before anything else."""
    run = ("one_environment.py", "--environment=pypi", "run")
    work = "  the same; peer: Metaflow --environment=pypi"
    try:
        first = flow_time(metaflow, "cold", *run)
        second = flow_time(metaflow, "cold", *run)
    except Failed as failure:
        lines = [line.strip() for line in str(failure).splitlines() if "failed" in line.lower()]
        why = (lines or [str(failure)])[-1][:_SHOWN_OF_A_FAILURE]
        return [Row(work, seconds(made), "can't run here", why, "", None)]
    return [
        Row(work, seconds(made), seconds(first), f"{first / made:.1f}x faster", "", None),
        Row(
            "  and again",
            seconds(there),
            seconds(second),
            f"{second / there:.1f}x faster",
            "",
            None,
        ),
    ]


def _by_uv(side: Side) -> float:
    """Return the time in which uv resolves and installs the packages, compiled, by itself."""
    import uv

    folder = _empty("by-uv")
    program, python = uv.find_uv_bin(), str(folder / "bin" / "python")
    wanted, lock = WORK / "wanted.txt", WORK / "pylock.toml"
    wanted.write_text("\n".join(PACKAGES))
    variables = side.variables("cold")
    return sum(
        timed([program, *command], variables)
        for command in (
            ("pip", "compile", "-q", "-p", side.python, "-o", str(lock), str(wanted)),
            ("venv", "-q", "-p", side.python, str(folder)),
            ("pip", "sync", "-q", "-p", python, "--compile-bytecode", str(lock)),
        )
    )


def _by_pip(side: Side) -> float:
    """Return the time in which venv and pip do so."""
    folder = _empty("by-pip")
    variables = side.variables("cold")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *PACKAGES]
    made = timed([side.python, "-m", "venv", str(folder)], variables)
    return made + timed(pip, variables)


def _empty(name: str) -> Path:
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder
