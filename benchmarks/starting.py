"""What it costs to start: a small flow from the shell, the import, a command that runs none."""

from __future__ import annotations

from measuring import Spread, asked, flow_time, interleave, ratios, spread, timed
from places import Side, Sides
from table import Row, apart, seconds, times

HELLO_SECONDS = 0.2
HELLO_BARE_TIMES = 4
HELLO_PEER_TIMES = 6
IMPORT_SECONDS = 0.040
IMPORT_MODULES = 60
SHOW_SECONDS = 0.150

_MODULES = "import sys; before = len(sys.modules); import falaj; print(len(sys.modules) - before)"


def hello(sides: Sides, quick: bool) -> list[Row]:
    """Run three steps from the shell, and the same with little output."""
    falaj, metaflow = sides.falaj, sides.metaflow
    ours, peer, ours_quiet, peer_quiet, bare = interleave(
        3 if quick else 9,
        lambda: flow_time(falaj, "hello", "hello.py", "run"),
        lambda: flow_time(metaflow, "hello", "hello.py", "run"),
        lambda: flow_time(falaj, "hello", "hello.py", "run", "--quiet"),
        lambda: flow_time(metaflow, "hello", "hello.py", "--quiet", "run"),
        lambda: bare_python(falaj),
    )
    for side in (falaj, metaflow):
        side.clear("hello")
    mine, over_bare = spread(ours), ratios(ours, bare)
    against, quiet = ratios(peer, ours), ratios(peer_quiet, ours_quiet)
    return [
        Row(
            "hello flow of 3 steps, whole process; limit: python -c pass",
            seconds(mine.median),
            seconds(spread(bare).median),
            times(over_bare),
            f"{HELLO_SECONDS} s, or {HELLO_BARE_TIMES}x bare Python",
            mine.median <= HELLO_SECONDS or over_bare.median <= HELLO_BARE_TIMES,
        ),
        Row(
            "  the same; peer: Metaflow",
            seconds(mine.median),
            seconds(spread(peer).median),
            f"{times(against)} faster",
            f"{HELLO_PEER_TIMES}x faster",
            against.median >= HELLO_PEER_TIMES,
        ),
        Row(
            "  the same with --quiet; peer: Metaflow --quiet",
            seconds(spread(ours_quiet).median),
            seconds(spread(peer_quiet).median),
            f"{times(quiet)} faster",
            f"{HELLO_PEER_TIMES}x faster",
            quiet.median >= HELLO_PEER_TIMES,
        ),
    ]


def importing(sides: Sides, quick: bool) -> list[Row]:
    """Import falaj in a fresh interpreter."""
    falaj = sides.falaj
    ours, bare = interleave(
        5 if quick else 21,
        lambda: timed([falaj.python, "-c", "import falaj"], falaj.variables("import")),
        lambda: bare_python(falaj),
    )
    more = _more(ours, bare)
    modules = int(asked([falaj.python, "-c", _MODULES], falaj.variables("import")))
    return [
        Row(
            "import falaj; limit: python -c pass",
            seconds(spread(ours).median),
            seconds(spread(bare).median),
            apart(more),
            f"+{1000 * IMPORT_SECONDS:.0f} ms",
            more.median <= IMPORT_SECONDS,
        ),
        Row(
            "  modules that it brings into sys.modules",
            f"{modules} modules",
            "",
            "",
            f"under {IMPORT_MODULES}",
            modules < IMPORT_MODULES,
        ),
    ]


def showing(sides: Sides, quick: bool) -> list[Row]:
    """Run a command that runs no task."""
    falaj, metaflow = sides.falaj, sides.metaflow
    ours, bare, peer = interleave(
        3 if quick else 11,
        lambda: flow_time(falaj, "show", "hello.py", "show"),
        lambda: bare_python(falaj),
        lambda: flow_time(metaflow, "show", "hello.py", "show"),
    )
    return over_bare("python flow.py show", SHOW_SECONDS, ours, bare, peer)


def over_bare(
    work: str, bar: float, ours: list[float], bare: list[float], peer: list[float]
) -> list[Row]:
    """Return how `work` stands to bare Python, over which it has `bar` seconds, and to Metaflow."""
    mine, more = spread(ours), _more(ours, bare)
    return [
        Row(
            f"{work}; limit: python -c pass",
            seconds(mine.median),
            seconds(spread(bare).median),
            apart(more),
            f"+{1000 * bar:.0f} ms",
            more.median <= bar,
        ),
        Row(
            "  the same; peer: Metaflow",
            seconds(mine.median),
            seconds(spread(peer).median),
            f"{times(ratios(peer, ours))} faster",
            "",
            None,
        ),
    ]


def _more(ours: list[float], bare: list[float]) -> Spread:
    return spread([one - other for one, other in zip(ours, bare, strict=True)])


def bare_python(side: Side) -> float:
    """Return the wall time of a Python that does nothing."""
    return timed([side.python, "-c", "pass"], side.variables("bare"))
