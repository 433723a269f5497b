"""What comes after a wide run: resuming it, and reading its results."""

from __future__ import annotations

import time
from pathlib import Path

from fanning import PEER_WIDTH
from measuring import asked, flow_time, interleave, ratios, spread
from places import WORK, Side, Sides
from table import Row, seconds, times

WIDTH = 1000
RESUME_SECONDS = 1.0
CLIENT_SECONDS = 0.5
WALK_SECONDS = 5.0


def resume(sides: Sides, quick: bool) -> list[Row]:
    """Resume a run of which a thousand tasks have finished and the last step has failed."""
    falaj, metaflow = sides.falaj, sides.metaflow
    for side, width in ((falaj, WIDTH), (metaflow, PEER_WIDTH)):
        command = ("run", "--width", str(width), "--run-id-file", str(_id_file(side)))
        flow_time(side, "resume", "fan.py", *command, expected=1, BENCH_FAIL="1")
    ours, peers = interleave(
        1 if quick else 5, lambda: _until_first_task(falaj), lambda: _until_first_task(metaflow)
    )
    for side in (falaj, metaflow):
        side.clear("resume")
    mine = spread(ours)
    return [
        Row(
            "resume of a run with 1,000 finished tasks, until the first new task's first line; "
            f"peer: Metaflow with {PEER_WIDTH}",
            seconds(mine.median),
            f"{seconds(spread(peers).median)} for {PEER_WIDTH}",
            f"({seconds(mine.least)} to {seconds(mine.most)})",
            f"{RESUME_SECONDS:.0f} s",
            mine.median <= RESUME_SECONDS,
        )
    ]


def client(sides: Sides, quick: bool) -> list[Row]:
    """Read one artifact of each task of a foreach."""
    repeats = 3 if quick else 9
    work = "client: one artifact of each of 1,000 tasks"
    return [_through_client(sides, repeats, "read_values.py", work, CLIENT_SECONDS)]


def walk(sides: Sides, quick: bool) -> list[Row]:
    """Ask every task of a foreach what the client can tell of it."""
    work = "client: state, output, facts, artifact and neighbours of each of 1,000 tasks"
    return [_through_client(sides, 1 if quick else 5, "walk_tasks.py", work, WALK_SECONDS)]


def _through_client(sides: Sides, repeats: int, script: str, work: str, bar: float) -> Row:
    falaj, metaflow = sides.falaj, sides.metaflow
    flow_time(falaj, "client", "fan.py", "run", "--quiet", "--width", str(WIDTH))
    flow_time(metaflow, "client", "fan.py", "--quiet", "run", "--width", str(PEER_WIDTH))

    def read(side: Side) -> float:
        told = asked([side.python, str(side.flows / script)], side.variables("client"))
        return float(told["seconds"]) * WIDTH / int(told["tasks"])

    ours, peers = interleave(repeats, lambda: read(falaj), lambda: read(metaflow))
    for side in (falaj, metaflow):
        side.clear("client")
    mine = spread(ours)
    return Row(
        f"{work}; peer: Metaflow, scaled from {PEER_WIDTH}",
        seconds(mine.median),
        seconds(spread(peers).median),
        f"{times(ratios(peers, ours))} faster",
        f"{bar:g} s",
        mine.median <= bar,
    )


def _until_first_task(side: Side) -> float:
    note = WORK / "first-task"
    note.unlink(missing_ok=True)
    command = ("resume", "--origin-run-id", _id_file(side).read_text().strip())
    # Wall-clock times, because they are compared between two processes.
    began = time.time()
    flow_time(side, "resume", "fan.py", *command, BENCH_NOTE=str(note))
    return float(note.read_text()) - began


def _id_file(side: Side) -> Path:
    return WORK / f"{side.name}-run-id"
