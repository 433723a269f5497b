"""Looking at what a run left: one step spun, artifacts dumped, every task walked over."""

from __future__ import annotations

from fanning import PEER_WIDTH
from measuring import asked, flow_time, interleave, ratios, spread, timed
from places import Side, Sides
from table import Row, apart, seconds, times

WIDTH = 1000
SPIN_SECONDS = 1.0
DUMP_SECONDS = 1.0
WALK_SECONDS = 5.0


def spin(sides: Sides, quick: bool) -> list[Row]:
    """Execute the middle step of the hello flow once more; it has next to no work of its own."""
    falaj, metaflow = sides.falaj, sides.metaflow
    for side in (falaj, metaflow):
        flow_time(side, "spin", "hello.py", "run")
    ours, peer, bare = interleave(
        3 if quick else 9,
        lambda: flow_time(falaj, "spin", "hello.py", "spin", "hello"),
        lambda: flow_time(metaflow, "spin", "hello.py", "spin", "hello"),
        lambda: timed([falaj.python, "-c", "pass"], falaj.variables("bare")),
    )
    for side in (falaj, metaflow):
        side.clear("spin")
    more = spread([one - other for one, other in zip(ours, bare, strict=True)])
    return [
        Row(
            "spin of a step without work of its own; limit: python -c pass",
            seconds(spread(ours).median),
            seconds(spread(bare).median),
            apart(more),
            f"+{SPIN_SECONDS:.0f} s",
            more.median <= SPIN_SECONDS,
        ),
        Row(
            "  the same; peer: Metaflow",
            seconds(spread(ours).median),
            seconds(spread(peer).median),
            f"{times(ratios(peer, ours))} faster",
            "",
            None,
        ),
    ]


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


def walk(sides: Sides, quick: bool) -> list[Row]:
    """Ask every task of a foreach what the client can tell of it."""
    falaj, metaflow = sides.falaj, sides.metaflow
    flow_time(falaj, "walk", "fan.py", "run", "--quiet", "--width", str(WIDTH))
    flow_time(metaflow, "walk", "fan.py", "--quiet", "run", "--width", str(PEER_WIDTH))

    def look(side: Side) -> float:
        command = [side.python, str(side.flows / "walk_tasks.py")]
        told = asked(command, side.variables("walk"))
        return float(told["seconds"]) * WIDTH / int(told["tasks"])

    ours, peers = interleave(1 if quick else 5, lambda: look(falaj), lambda: look(metaflow))
    for side in (falaj, metaflow):
        side.clear("walk")
    mine = spread(ours)
    return [
        Row(
            "client: state, output, facts, artifact and parents of each of 1,000 tasks; peer: "
            f"Metaflow, scaled from {PEER_WIDTH}",
            seconds(mine.median),
            seconds(spread(peers).median),
            f"{times(ratios(peers, ours))} faster",
            f"{WALK_SECONDS:.0f} s",
            mine.median <= WALK_SECONDS,
        )
    ]
