"""Looking at what a run left: one step spun, artifacts dumped."""

from __future__ import annotations

from fanning import PEER_WIDTH
from measuring import flow_time, interleave, spread
from places import Sides
from starting import bare_python, over_bare
from table import Row, seconds

WIDTH = 1000
SPIN_SECONDS = 1.0
DUMP_SECONDS = 1.0


def spin(sides: Sides, quick: bool) -> list[Row]:
    """Execute the middle step of the hello flow once more; it has next to no work of its own."""
    falaj, metaflow = sides.falaj, sides.metaflow
    for side in (falaj, metaflow):
        flow_time(side, "spin", "hello.py", "run")
    ours, bare, peer = interleave(
        3 if quick else 9,
        lambda: flow_time(falaj, "spin", "hello.py", "spin", "hello"),
        lambda: bare_python(falaj),
        lambda: flow_time(metaflow, "spin", "hello.py", "spin", "hello"),
    )
    for side in (falaj, metaflow):
        side.clear("spin")
    work = "spin of a step without work of its own"
    return over_bare(work, SPIN_SECONDS, ours, bare, peer)


def dump(sides: Sides, quick: bool) -> list[Row]:
    """Show the artifacts of each task of a foreach."""
    falaj, metaflow = sides.falaj, sides.metaflow
    flow_time(falaj, "dump", "fan.py", "run", "--quiet", "--width", str(WIDTH))
    flow_time(metaflow, "dump", "fan.py", "--quiet", "run", "--width", str(PEER_WIDTH))
    identity = metaflow.home("dump") / ".metaflow" / "FanFlow" / "latest_run"
    path = f"{identity.read_text().strip()}/body"
    ours, peers = interleave(
        1 if quick else 5,
        lambda: flow_time(falaj, "dump", "fan.py", "dump", "1/body"),
        lambda: flow_time(metaflow, "dump", "fan.py", "dump", path),
    )
    for side in (falaj, metaflow):
        side.clear("dump")
    mine = spread(ours)
    return [
        Row(
            f"dump of the artifacts of 1,000 tasks; peer: Metaflow with {PEER_WIDTH}",
            seconds(mine.median),
            f"{seconds(spread(peers).median)} for {PEER_WIDTH}",
            f"({seconds(mine.least)} to {seconds(mine.most)})",
            f"{DUMP_SECONDS:.0f} s",
            mine.median <= DUMP_SECONDS,
        )
    ]
