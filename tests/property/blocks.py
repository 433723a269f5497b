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
    SWITCH,
    Case,
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


@dataclass(frozen=True)
class Choice:
    """A step that goes on to one of its chains, as its `x` says; what follows they share."""

    opener: Body
    chains: tuple["Chain", ...]


@dataclass(frozen=True)
class Loop:
    """A step that leads to itself until it has run `times`, and then to a plain one."""

    body: Body
    times: int
    tail: Body


Block = Plain | Branches | Each | Choice | Loop
Chain = tuple[Block, ...]
Key = tuple[str, tuple[int, ...], int]


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
            deep = ["plain", "loop", "branches", "each", "choice"]
            kind = draw(st.sampled_from(deep if left else deep[:2]))
            if kind == "plain":
                return Plain(body())
            # The checks refuse @catch on a step that goes on by a condition.
            if kind == "loop":
                return Loop(body(tolerates=False), draw(st.integers(1, 3)), body())
            if kind == "choice":
                ways = draw(st.integers(2, 3))
                opener = body(tolerates=False)
                return Choice(opener, tuple(chain(left - 1) for _ in range(ways)))
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
        if isinstance(block, Loop):
            yield from (block.body, block.tail)
            continue
        yield block.opener
        if isinstance(block, Choice):
            for way in block.chains:
                yield from bodies(way)
            continue
        for inner in block.chains if isinstance(block, Branches) else (block.chain,):
            yield from bodies(inner)
        yield block.join


def tasks_in(chain: Chain) -> int:
    """Return how many tasks a chain makes at most."""
    total = 0
    for block in chain:
        if isinstance(block, Plain):
            total += 1
        elif isinstance(block, Loop):
            total += block.times + 1
        elif isinstance(block, Choice):
            total += 1 + max(map(tasks_in, block.chains))
        elif isinstance(block, Branches):
            total += 2 + sum(map(tasks_in, block.chains))
        else:
            total += 2 + block.width * tasks_in(block.chain)
    return total


# The source and the graph


@dataclass(frozen=True)
class Placed:
    """A step with where it goes on: `merges` is None for a step that is no join.

    `width` is also how many ways a choice has, and how often a loop runs.
    """

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
    return block.body.name if isinstance(block, Plain | Loop) else block.opener.name


def _place(chain: Chain, after: str | None, found: list[Placed]) -> None:
    for position, block in enumerate(chain):
        following = _entry(chain[position + 1]) if position + 1 < len(chain) else after
        onward = () if following is None else (following,)
        kind = END if following is None else LINEAR
        if isinstance(block, Plain):
            found.append(Placed(block.body, kind, onward, None, 0, None))
            continue
        if isinstance(block, Loop):
            ways = (block.body.name, block.tail.name)
            found.append(Placed(block.body, SWITCH, ways, None, block.times, None))
            found.append(Placed(block.tail, kind, onward, None, 0, None))
            continue
        inner = (block.chain,) if isinstance(block, Each) else block.chains
        entries = tuple(_entry(one[0]) for one in inner)
        if isinstance(block, Choice):
            found.append(Placed(block.opener, SWITCH, entries, None, len(entries), None))
            for one in inner:
                _place(one, following, found)
            continue
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
            condition_of(one),
            tuple(Case(value, target) for value, target in cases_of(one)),
        )
        for one in placed(flow)
    )
    return Graph(FlowDescription("F", "", "", steps, (), "start", "end"))


def condition_of(one: Placed) -> str | None:
    """Return the artifact by which a step chooses."""
    return f"k_{one.body.name}" if one.kind == SWITCH else None


def cases_of(one: Placed) -> tuple[tuple[Any, str], ...]:
    """Return the cases of a step: how often a loop goes on is a truth, a way is a number."""
    if one.kind != SWITCH:
        return ()
    values = (True, False) if one.body.name in one.targets else range(one.width)
    return tuple(zip(values, one.targets, strict=True))


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
    if one.kind == SWITCH:
        loops, count = name in one.targets, f"n_{name}"
        if loops:
            inner.append(f"self.{count} = getattr(self, {count!r}, 0) + 1")
        chosen = f"self.{count} < {one.width}" if loops else f"self.x % {one.width}"
        inner.append(f"self.{condition_of(one)} = {chosen}")
        cases = ", ".join(f"{value!r}: self.{target}" for value, target in cases_of(one))
        inner.append(f"self.next({{{cases}}}, condition={condition_of(one)!r})")
    elif one.targets:
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
    """What a flow's tasks leave: artifacts by key, each task's inputs, and the ways chosen."""

    def __init__(self, flow: Flow) -> None:
        self.artifacts: dict[Key, Artifacts] = {}
        self.inputs: dict[Key, tuple[Key, ...]] = {}
        self.went: dict[Key, str] = {}
        self.names = [f"v_{body.name}" for body in bodies(flow.sequence())]
        self._chain(flow.sequence(), (), ())

    def _chain(
        self, chain: Chain, before: tuple[Key, ...], stack: tuple[tuple[int, int], ...]
    ) -> Key:
        key: Key = ("", (), 0)
        for block in chain:
            key = self._block(block, before, stack)
            before = (key,)
        return key

    def _block(
        self, block: Block, before: tuple[Key, ...], stack: tuple[tuple[int, int], ...]
    ) -> Key:
        if isinstance(block, Plain):
            return self._task(block.body, before, stack, None, None)
        if isinstance(block, Loop):
            return self._loop(block, before, stack)
        if isinstance(block, Choice):
            key = self._task(block.opener, before, stack, None, None)
            chosen = self.artifacts[key]["x"] % len(block.chains)
            self.artifacts[key][f"k_{block.opener.name}"] = chosen
            self.went[key] = _entry(block.chains[chosen][0])
            return self._chain(block.chains[chosen], (key,), stack)
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

    def _loop(self, loop: Loop, before: tuple[Key, ...], stack: tuple[tuple[int, int], ...]) -> Key:
        name = loop.body.name
        for iteration in range(loop.times):
            key = self._task(loop.body, before, stack, None, None, iteration)
            again = iteration + 1 < loop.times
            self.artifacts[key].update({f"n_{name}": iteration + 1, f"k_{name}": again})
            self.went[key] = name if again else loop.tail.name
            before = (key,)
        return self._task(loop.tail, before, stack, None, None)

    def _task(
        self,
        body: Body,
        before: tuple[Key, ...],
        stack: tuple[tuple[int, int], ...],
        width: int | None,
        merges: bool | None,
        iteration: int = 0,
    ) -> Key:
        key = (body.name, tuple(index for index, _ in stack), iteration)
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
