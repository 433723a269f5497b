"""Wide foreaches: how many tasks a second, and how wide it goes in bounded memory."""

from __future__ import annotations

from measuring import ControlWatch, flow_time, interleave, limit, ratios, spread, timed
from places import Side, Sides
from table import Row, seconds, times

WIDTH = 1000
TASKS_A_SECOND = 300
OF_THE_LIMIT = 0.6
PEER_TIMES = 50
WIDE_SECONDS = 60
WIDEST_BYTES = 500e6
# Metaflow takes about a second a task: a narrow foreach, less one of a single task, gives its
# cost of a further task, which is what a wide one consists of.
PEER_WIDTH = 40


def thousand(sides: Sides, quick: bool) -> list[Row]:
    """A foreach of a thousand tasks, with and without pandas imported by the flow's file."""
    return [
        *_compare(sides, quick, "fan.py", "without numpy", ()),
        *_compare(sides, quick, "fan_pandas.py", "with pandas imported", ("pandas",)),
    ]


def ten_thousand(sides: Sides, quick: bool) -> list[Row]:
    """A foreach of ten thousand tasks."""
    took, watch = _wide(sides.falaj, 10_000)
    return [
        Row(
            "foreach of 10,000, joined, whole process",
            seconds(took),
            "",
            f"{10_000 / took:.0f} tasks/s",
            f"{WIDE_SECONDS} s",
            took <= WIDE_SECONDS,
        ),
        _memory("10,000", watch),
    ]


def hundred_thousand(sides: Sides, quick: bool) -> list[Row]:
    """A foreach of a hundred thousand tasks."""
    took, watch = _wide(sides.falaj, 100_000)
    return [
        Row(
            "foreach of 100,000, joined, whole process",
            seconds(took),
            "",
            f"{100_000 / took:.0f} tasks/s",
            "finishes",
            True,
        ),
        _memory("100,000", watch),
    ]


def _compare(
    sides: Sides, quick: bool, flow: str, kind: str, modules: tuple[str, ...]
) -> list[Row]:
    falaj, metaflow = sides.falaj, sides.metaflow
    repeats = 1 if quick else 3

    def ours() -> float:
        return WIDTH / flow_time(falaj, "fan", flow, "run", "--quiet", "--width", str(WIDTH))

    def forks() -> float:
        return float(limit(falaj, "forks", str(WIDTH), *modules)["rate"])

    def peer(width: int) -> float:
        words = ("--quiet", "run", "--width", str(width), "--max-num-splits", str(WIDTH))
        return flow_time(metaflow, "fan", flow, *words)

    def peer_rate() -> float:
        single = peer(1)
        a_task = (peer(PEER_WIDTH) - single) / (PEER_WIDTH - 1)
        return WIDTH / (single + (WIDTH - 1) * a_task)

    # Warm up: the bytecode of both sides, and the pages of the disk cache.
    ours()
    peer(1)
    rates, bare, peers = interleave(repeats, ours, forks, peer_rate, warm_up=False)
    for side in (falaj, metaflow):
        side.clear("fan")
    mine, against = spread(rates), ratios(rates, peers)
    # Where the machine itself forks a process of this size more slowly than that, the bar is a
    # part of what it allows.
    wanted = min(TASKS_A_SECOND, OF_THE_LIMIT * spread(bare).median)
    return [
        Row(
            f"foreach of 1,000 no-op tasks, joined, {kind}; limit: fork and wait",
            f"{mine.median:.0f} tasks/s",
            f"{spread(bare).median:.0f} forks/s",
            f"{times(ratios(rates, bare))} of it",
            f"{wanted:.0f} tasks/s",
            mine.median >= wanted,
        ),
        Row(
            f"  the same; peer: Metaflow, scaled from {PEER_WIDTH} tasks",
            f"{mine.median:.0f} tasks/s",
            f"{spread(peers).median:.2f} tasks/s",
            f"{times(against)} faster",
            f"{PEER_TIMES}x faster (aim: 100x)",
            against.median >= PEER_TIMES,
        ),
    ]


def _wide(falaj: Side, width: int) -> tuple[float, ControlWatch]:
    watch = ControlWatch()
    command = [falaj.python, str(falaj.flows / "fan.py"), "run", "--quiet", "--width", str(width)]
    took = timed(command, falaj.variables("wide"), meanwhile=watch)
    falaj.clear("wide")
    return took, watch


def _memory(width: str, watch: ControlWatch) -> Row:
    peak = watch.peak_bytes
    return Row(
        f"  control's peak memory, foreach of {width}",
        f"{peak / 1e6:.0f} MB",
        "",
        "",
        f"under {WIDEST_BYTES / 1e6:.0f} MB",
        0 < peak < WIDEST_BYTES,
    )
