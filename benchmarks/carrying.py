"""Artifacts from step to step: one of a gibibyte, and a thousand small ones."""

from __future__ import annotations

from typing import Any

from measuring import Failed, asked, flow_time, interleave, limit, ratios, spread
from places import WORK, Side, Sides
from table import Row, apart, seconds, times

MEGABYTES = 1024
WRITE_TIMES = 1.5
ACCESS_SECONDS = 0.050
PEER_TIMES = 20
SMALL_SECONDS = 0.100
CARD_SECONDS = 0.030
CARDS = 20
CARD_PEER_TIMES = 10


def array(sides: Sides, quick: bool) -> list[Row]:
    """Hand an array of random numbers from one step to the next."""
    falaj, metaflow = sides.falaj, sides.metaflow
    pairs = 1 if quick else 3
    ours: list[dict[str, float]] = []
    peers: list[dict[str, float]] = []
    limits: list[dict[str, float]] = []
    # Warm up: pages that a virtual machine touches for the first time are dear.
    _hand_over(falaj, MEGABYTES)
    _hand_over(metaflow, 8)
    for number in range(pairs):
        # Metaflow takes a minute for each; the other two vary more and cost less.
        for _ in range(3):
            limits.append(limit(falaj, "carry", str(MEGABYTES << 20), str(WORK / "carried")))
            ours.append(_hand_over(falaj, MEGABYTES))
        if number < 2:
            peers.append(_hand_over(metaflow, MEGABYTES))

    def column(rows: list[dict[str, float]], name: str) -> list[float]:
        return [row[name] for row in rows]

    writes, bare = column(ours, "write"), column(limits, "hash_and_copy")
    access = spread(column(ours, "access"))
    over = ratios(writes, bare)
    memory = f"memcpy {seconds(spread(column(limits, 'memcpy')).median)}"
    rows = [
        Row(
            f"1 GiB array: commit of the step; limit: hash beside write ({memory})",
            seconds(spread(writes).median),
            seconds(spread(bare).median),
            times(over),
            f"{WRITE_TIMES}x",
            over.median <= WRITE_TIMES,
        ),
        Row(
            "  first access in the next step",
            seconds(access.median),
            f"Metaflow {seconds(spread(column(peers, 'access')).median)}",
            f"({seconds(access.least)} to {seconds(access.most)})",
            f"{1000 * ACCESS_SECONDS:.0f} ms",
            access.median <= ACCESS_SECONDS,
        ),
    ]
    for name, title in (
        ("carried", "end of one step to the array in the next"),
        ("whole", "the whole run, making the array included"),
    ):
        mine, theirs = column(ours, name), column(peers, name)
        # As many of ours as there are of theirs, each with the one that ran just before it.
        faster = ratios(theirs, mine[2::3][: len(theirs)])
        bar = name == "carried"
        rows.append(
            Row(
                f"  {title}; peer: Metaflow",
                seconds(spread(mine).median),
                seconds(spread(theirs).median),
                f"{times(faster)} faster",
                f"{PEER_TIMES}x faster" if bar else "",
                faster.median >= PEER_TIMES if bar else None,
            )
        )
    return rows


def small(sides: Sides, quick: bool) -> list[Row]:
    """Leave a thousand small artifacts in one step."""
    falaj, metaflow = sides.falaj, sides.metaflow

    def more(side: Side) -> float:
        flow_time(side, "small", "small.py", *_quiet(side))
        steps = _steps(side, "small", "SmallFlow")
        many, none = steps["many"], steps["none"]
        return (many["ended"] - many["began"]) - (none["ended"] - none["began"])

    ours, peers = interleave(3 if quick else 7, lambda: more(falaj), lambda: more(metaflow))
    for side in (falaj, metaflow):
        side.clear("small")
    mine = spread(ours)
    return [
        Row(
            "1,000 small artifacts in one step, over a step with none; peer: Metaflow",
            seconds(mine.median),
            seconds(spread(peers).median),
            apart(mine),
            f"+{1000 * SMALL_SECONDS:.0f} ms",
            mine.median <= SMALL_SECONDS,
        )
    ]


def card(sides: Sides, quick: bool) -> list[Row]:
    """Put ten components on a card in one step, and have the cards of many tasks rendered."""
    falaj = sides.falaj

    def more() -> float:
        flow_time(falaj, "card", "cards.py", *_quiet(falaj))
        steps = _steps(falaj, "card", "CardsFlow")
        carded, none = steps["carded"], steps["none"]
        return (carded["ended"] - carded["began"]) - (none["ended"] - none["began"])

    (ours,) = interleave(5 if quick else 15, more)
    falaj.clear("card")
    mine = spread(ours)
    return [
        Row(
            "ten components on a default card, in the task's own process, over a step with none",
            seconds(mine.median),
            "",
            apart(mine),
            f"+{1000 * CARD_SECONDS:.0f} ms",
            mine.median <= CARD_SECONDS,
        ),
        *_pages(sides, quick),
    ]


def _pages(sides: Sides, quick: bool) -> list[Row]:
    falaj, metaflow = sides.falaj, sides.metaflow

    def more(side: Side) -> float:
        run = (*_quiet(side), "--width", str(CARDS - 3))
        carded = flow_time(side, "card", "fan.py", *run, "--with", "card")
        return (carded - flow_time(side, "card", "fan.py", *run)) / CARDS

    ours, peers = interleave(1 if quick else 3, lambda: more(falaj), lambda: more(metaflow))
    for side in (falaj, metaflow):
        side.clear("card")
    faster = ratios(peers, ours)
    return [
        Row(
            f"  a page, where each of {CARDS} tasks has its default card; peer: Metaflow",
            seconds(spread(ours).median),
            seconds(spread(peers).median),
            f"{times(faster)} faster",
            f"{CARD_PEER_TIMES}x faster",
            faster.median >= CARD_PEER_TIMES,
        )
    ]


def _hand_over(side: Side, megabytes: int) -> dict[str, float]:
    whole = flow_time(side, "array", "large.py", *_quiet(side), "--megabytes", str(megabytes))
    steps = _steps(side, "array", "ArrayFlow")
    side.clear("array")
    start, look = steps["start"], steps["look"]
    return {
        "whole": whole,
        "write": start["ended"] - start["body_ended"],
        "access": look["first_access"],
        "carried": look["looked_at"] - start["body_ended"],
    }


def _steps(side: Side, purpose: str, flow: str) -> dict[str, Any]:
    command = [side.python, str(side.flows / "read_steps.py"), flow]
    steps = asked(command, side.variables(purpose))
    if not steps["successful"]:
        raise Failed(f"{side.name} did not finish {flow}")
    return steps


def _quiet(side: Side) -> tuple[str, ...]:
    return ("run", "--quiet") if side.name == "falaj" else ("--quiet", "run")
