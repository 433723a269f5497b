"""Random well-formed flows as trees of blocks: their source, their graph, and an interpreter.

A chain is a tuple of blocks. The interpreter walks the tree one task after the other, and so says
what each task of a real run has to leave, whoever came first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from falaj.model.graph import (
    END,
    FOREACH,
    LINEAR,
    SPLIT,
    FlowDescription,
    Graph,
    StepSpec,
)

FINE, RETRIED, CAUGHT, DOOMED = "fine", "retried", "caught", "doomed"


@dataclass(frozen=True)
class Body:
    """What a step does besides its arithmetic: `failures` is how many attempts fail first."""

    name: str
    factor: int
    fate: str
    failures: int
    in_place: bool


@dataclass(frozen=True)
class Plain:
    """A linear step."""

    body: Body


@dataclass(frozen=True)
class Branches:
    """A step that splits into chains that meet in a join."""

    opener: Body
    chains: tuple["Chain", ...]
    join: Body
    merges: bool


@dataclass(frozen=True)
class Each:
    """A step that opens a foreach of `width` values, and its join."""

    opener: Body
    width: int
    chain: "Chain"
    join: Body
    merges: bool


Block = Plain | Branches | Each
Chain = tuple[Block, ...]
Key = tuple[str, tuple[int, ...]]


@dataclass(frozen=True, repr=False)
class Flow:
    """A chain between `start` and `end`."""

    start: Body
    chain: Chain
    end: Body

    def __repr__(self) -> str:
        return f"<flow of {tasks_in(self.sequence())} tasks>"

    def sequence(self) -> Chain:
        """Return the whole flow as one chain."""
        return (Plain(self.start), *self.chain, Plain(self.end))


def flows(depth: int = 3, with_doom: bool = False) -> st.SearchStrategy[Flow]:
    """Generate flows nested up to `depth`."""
    fates = [FINE] * 5 + [RETRIED, CAUGHT] + ([DOOMED] if with_doom else [])

    @st.composite
    def flow(draw: st.DrawFn) -> Flow:
        count = 0

        def body(name: str = "", tolerates: bool = True) -> Body:
            nonlocal count
            count += 1
            allowed = fates if tolerates else [fate for fate in fates if fate != CAUGHT]
            return Body(
                name or f"s{count}",
                draw(st.integers(2, 5)),
                draw(st.sampled_from(allowed)),
                draw(st.integers(1, 2)),
                draw(st.booleans()),
            )

        def chain(left: int) -> Chain:
            return tuple(block(left) for _ in range(draw(st.integers(1, 2))))

        def block(left: int) -> Block:
            kind = draw(st.sampled_from(["plain", "branches", "each"] if left else ["plain"]))
            if kind == "plain":
                return Plain(body())
            merges = draw(st.booleans())
            if kind == "branches":
                width = draw(st.integers(2, 3))
                opener = body()
                return Branches(
                    opener, tuple(chain(left - 1) for _ in range(width)), body(), merges
                )
            # The checks refuse @catch on a step that opens a foreach.
            opener = body(tolerates=False)
            return Each(opener, draw(st.integers(1, 4)), chain(left - 1), body(), merges)

        return Flow(body("start"), chain(depth), body("end"))

    return flow()


def bodies(chain: Chain) -> Iterator[Body]:
    """Yield every step's body, in order of definition."""
    for block in chain:
        if isinstance(block, Plain):
            yield block.body
            continue
        yield block.opener
        for inner in block.chains if isinstance(block, Branches) else (block.chain,):
            yield from bodies(inner)
        yield block.join


def tasks_in(chain: Chain) -> int:
    """Return how many tasks a chain makes."""
    total = 0
    for block in chain:
        if isinstance(block, Plain):
            total += 1
        elif isinstance(block, Branches):
            total += 2 + sum(map(tasks_in, block.chains))
        else:
            total += 2 + block.width * tasks_in(block.chain)
    return total


# The source and the graph


@dataclass(frozen=True)
class Placed:
    """A step with where it goes on: `merges` is None for a step that is no join."""

    body: Body
    kind: str
    targets: tuple[str, ...]
    foreach: str | None
    width: int
    merges: bool | None


def placed(flow: Flow) -> list[Placed]:
    """Return the steps with their transitions."""
    found: list[Placed] = []
    _place(flow.sequence(), None, found)
    return found


def _entry(block: Block) -> str:
    return block.body.name if isinstance(block, Plain) else block.opener.name


def _place(chain: Chain, after: str | None, found: list[Placed]) -> None:
    for position, block in enumerate(chain):
        following = _entry(chain[position + 1]) if position + 1 < len(chain) else after
        onward = () if following is None else (following,)
        kind = END if following is None else LINEAR
        if isinstance(block, Plain):
            found.append(Placed(block.body, kind, onward, None, 0, None))
            continue
        inner = block.chains if isinstance(block, Branches) else (block.chain,)
        entries = tuple(_entry(one[0]) for one in inner)
        if isinstance(block, Branches):
            found.append(Placed(block.opener, SPLIT, entries, None, 0, None))
        else:
            items = f"items_{block.opener.name}"
            found.append(Placed(block.opener, FOREACH, entries, items, block.width, None))
        for one in inner:
            _place(one, block.join.name, found)
        found.append(Placed(block.join, kind, onward, None, 0, block.merges))


def graph_of(flow: Flow) -> Graph:
    """Return the graph that the flow's source would be described as."""
    steps = tuple(
        StepSpec(
            one.body.name,
            one.kind,
            one.targets,
            one.foreach,
            one.merges is not None,
            (),
            "",
            "",
            0,
        )
        for one in placed(flow)
    )
    return Graph(FlowDescription("F", "", "", steps, (), "start", "end"))


HEAD = """import os, time, zlib
from falaj import FlowSpec, step, retry, catch, current

MENDED = os.path.exists("mended")
SALT = os.environ.get("SALT", "")

def pause(*what):
    if SALT:
        time.sleep(zlib.crc32(repr((SALT, what)).encode()) % 4 * 0.004)

class F(FlowSpec):
"""


def source_of(flow: Flow) -> str:
    """Return the flow file."""
    steps = "".join(_render(one) for one in placed(flow))
    return HEAD + steps + '\nif __name__ == "__main__":\n    F()\n'


def _render(one: Placed) -> str:
    body, name = one.body, one.body.name
    lines = []
    if body.fate == RETRIED:
        lines.append(f"@retry(times={body.failures}, minutes_between_retries=0)")
    if body.fate == CAUGHT:
        lines.append(f"@catch(var='c_{name}', print_exception=False)")
    join = one.merges is not None
    lines += ["@step", f"def {name}(self{', inputs' if join else ''}):"]
    inner = [f"pause({name!r}, self.foreach_stack())", f"self.v_{name} = {name!r}"]
    if body.fate == RETRIED:
        inner.append(f"if current.retry_count < {body.failures}: raise ValueError({name!r})")
    if body.fate == CAUGHT:
        inner.append(f"raise KeyError({name!r})")
    if body.fate == DOOMED:
        inner.append(f"if not MENDED: raise RuntimeError({name!r})")
    if join:
        inner += [
            "self.x = sum((n + 2) * getattr(i, 'x', 0) for n, i in enumerate(inputs)) % 10007",
            "self.trail = [getattr(i, 'trail', None) for i in inputs]",
        ]
        if one.merges:
            inner.append("there = {n for n in NAMES if any(hasattr(i, n) for i in inputs)}")
            inner.append("self.merge_artifacts(inputs, include=sorted(there))")
    else:
        inner.append("index = -1 if self.index is None else self.index")
        inner.append("value = 0 if self.input is None else self.input")
        start = "0" if name == "start" else "getattr(self, 'x', 0)"
        inner.append(f"self.x = ({start} * {body.factor} + 3 * index + value) % 10007")
        if name == "start":
            inner.append("self.trail = ['start']")
        elif body.in_place:
            inner.append(f"self.trail = getattr(self, 'trail', []); self.trail.append({name!r})")
        else:
            inner.append(f"self.trail = getattr(self, 'trail', []) + [{name!r}]")
    if one.foreach:
        inner.append(f"self.{one.foreach} = [self.x + 10 * n for n in range({one.width})]")
    if one.targets:
        targets = ", ".join(f"self.{target}" for target in one.targets)
        foreach = f", foreach={one.foreach!r}" if one.foreach else ""
        inner.append(f"self.next({targets}{foreach})")
    text = [*lines, *("    " + line for line in inner)]
    return "".join(f"    {line}\n" for line in text) + "\n"


def full_source(flow: Flow) -> str:
    """Return the flow file with the names that merging joins may take over."""
    names = [f"v_{body.name}" for body in bodies(flow.sequence())]
    return source_of(flow).replace("class F", f"NAMES = {names!r}\n\nclass F", 1)


# The interpreter

Artifacts = dict[str, Any]
CAUGHT_VALUE = "<caught>"


class Expected:
    """What a flow's tasks leave: artifacts by step and indices, and each task's inputs."""

    def __init__(self, flow: Flow) -> None:
        self.artifacts: dict[Key, Artifacts] = {}
        self.inputs: dict[Key, tuple[Key, ...]] = {}
        self.names = [f"v_{body.name}" for body in bodies(flow.sequence())]
        self._chain(flow.sequence(), (), ())

    def _chain(
        self, chain: Chain, before: tuple[Key, ...], stack: tuple[tuple[int, int], ...]
    ) -> Key:
        key: Key = ("", ())
        for block in chain:
            key = self._block(block, before, stack)
            before = (key,)
        return key

    def _block(
        self, block: Block, before: tuple[Key, ...], stack: tuple[tuple[int, int], ...]
    ) -> Key:
        if isinstance(block, Plain):
            return self._task(block.body, before, stack, None, None)
        if isinstance(block, Branches):
            opened = self._task(block.opener, before, stack, None, None)
            arrived = tuple(self._chain(one, (opened,), stack) for one in block.chains)
            return self._task(block.join, arrived, stack, None, block.merges)
        opened = self._task(block.opener, before, stack, block.width, None)
        values = self.artifacts[opened][f"items_{block.opener.name}"]
        arrived = tuple(
            self._chain(block.chain, (opened,), (*stack, (index, values[index])))
            for index in range(block.width)
        )
        return self._task(block.join, arrived, stack, None, block.merges)

    def _task(
        self,
        body: Body,
        before: tuple[Key, ...],
        stack: tuple[tuple[int, int], ...],
        width: int | None,
        merges: bool | None,
    ) -> Key:
        key = (body.name, tuple(index for index, _ in stack))
        left: Artifacts = {}
        if merges is None and before:
            left.update(self.artifacts[before[0]])
        left[f"v_{body.name}"] = body.name
        self.artifacts[key], self.inputs[key] = left, before
        if body.fate == CAUGHT:
            left[f"c_{body.name}"] = CAUGHT_VALUE
            return key
        if merges is None:
            self._linear(body, left, stack)
        else:
            self._join(left, [self.artifacts[one] for one in before], merges)
        if width is not None:
            left[f"items_{body.name}"] = [left["x"] + 10 * n for n in range(width)]
        return key

    def _linear(self, body: Body, left: Artifacts, stack: tuple[tuple[int, int], ...]) -> None:
        index, value = stack[-1] if stack else (-1, 0)
        x = 0 if body.name == "start" else left.get("x", 0)
        left["x"] = (x * body.factor + 3 * index + value) % 10007
        left["trail"] = ["start"] if body.name == "start" else [*left.get("trail", []), body.name]

    def _join(self, left: Artifacts, inputs: list[Artifacts], merges: bool) -> None:
        total = sum((n + 2) * one.get("x", 0) for n, one in enumerate(inputs))
        left["x"] = total % 10007
        left["trail"] = [one.get("trail") for one in inputs]
        for one in inputs if merges else ():
            for name in self.names:
                if name in one:
                    left.setdefault(name, one[name])


def fates_of(flow: Flow) -> Mapping[str, str]:
    """Return each step's fate."""
    return {body.name: body.fate for body in bodies(flow.sequence())}
