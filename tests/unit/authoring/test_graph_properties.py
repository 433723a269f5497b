"""Well-formed graphs pass the checks, and spoilt ones earn a sentence, never a crash."""

from hypothesis import given, settings
from hypothesis import strategies as st

from falaj.authoring.checks import problems_of
from falaj.authoring.draft import Draft, DraftStep, NextCall
from falaj.model.graph import FOREACH, LINEAR, SPLIT, FlowDescription, Graph


class Builder:
    """Steps under way: name -> [kind, targets, joins]."""

    def __init__(self):
        self.steps = {}

    def add(self, joins=False):
        name = f"s{len(self.steps)}"
        self.steps[name] = [LINEAR, [], joins]
        return name

    def chain(self, blocks):
        """Build blocks one after another; return the first and the last step."""
        first = last = self.add()
        for block in blocks:
            opening, closing = self.block(block)
            self.steps[last][1].append(opening)
            last = closing
        return first, last

    def block(self, block):
        kind, inner = block
        if kind == LINEAR:
            name = self.add()
            return name, name
        opening, closing = self.add(), self.add(joins=True)
        self.steps[opening][0] = kind
        for branch in inner:
            first, last = self.chain(branch)
            self.steps[opening][1].append(first)
            self.steps[last][1].append(closing)
        # A join may not split: what follows it is a step of its own.
        after = self.add()
        self.steps[closing][1].append(after)
        return opening, after


def blocks(depth):
    linear = st.just((LINEAR, ()))
    if depth == 0:
        return st.lists(linear, max_size=2)
    inner = blocks(depth - 1)
    split = st.tuples(st.just(SPLIT), st.lists(inner, min_size=2, max_size=3))
    foreach = st.tuples(st.just(FOREACH), st.lists(inner, min_size=1, max_size=1))
    return st.lists(st.one_of(linear, split, foreach), max_size=3)


def draft_of(steps, start, end):
    return Draft(
        name="F",
        file="flow.py",
        line=1,
        doc="",
        steps=tuple(
            drafted(number, name, *steps[name], name == start, name == end)
            for number, name in enumerate(steps)
        ),
        parameters=(),
        unmarked=(),
        methods=frozenset(),
        fixed=frozenset(),
        reserved=frozenset(),
        repeated=(),
        problems=(),
    )


def drafted(number, name, kind, targets, joins, is_start, is_end):
    calls = ()
    if targets:
        if kind == SPLIT and len(targets) == 1:
            kind = LINEAR
        if kind == LINEAR and len(targets) > 1:
            kind = SPLIT
        foreach = "items" if kind == FOREACH else None
        calls = (NextCall(10 * number + 2, kind, tuple(targets), foreach, "", True),)
    arguments = 2 if joins else 1
    line = 10 * number + 1
    return DraftStep(name, "flow.py", line, "", arguments, "", calls, (), is_start, is_end)


@st.composite
def graphs(draw):
    builder = Builder()
    start, last = builder.chain(draw(blocks(2)))
    end = builder.add()
    builder.steps[last][1].append(end)
    return builder.steps, start, end


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_well_formed_graphs_pass(graph):
    draft = draft_of(*graph)
    assert problems_of(draft) == []
    steps = tuple(step.spec(draft.end) for step in draft.steps)
    order = Graph(FlowDescription("F", "", "", steps, (), draft.start, draft.end)).order
    assert sorted(order) == sorted(graph[0])


def naive_problem(steps, start, end):
    """Walk every path with a stack of open splits: slow, plain, and written another way."""

    def walk(name, stack, seen):
        if name in seen:
            return True
        kind, targets, joins = steps[name]
        if joins:
            if not stack:
                return True
            closed[name].add(stack)
            stack = stack[:-1]
        elif entered.setdefault(name, seen[-1:]) != seen[-1:]:
            return True
        reached.add(name)
        if name == end:
            return bool(stack) or bool(targets) or joins
        if not targets or name == end:
            return True
        opens = kind == FOREACH or len(targets) > 1
        if joins and opens:
            return True
        if opens and any(steps[target][2] for target in targets):
            return True
        return any(
            walk(target, (*stack, (name, target)) if opens else stack, (*seen, name))
            for target in targets
        )

    closed = {name: set() for name in steps}
    entered, reached = {}, set()
    if walk(start, (), ()) or reached != set(steps):
        return True
    for stacks in closed.values():
        if len({stack[:-1] for stack in stacks}) > 1 or len({s[-1][0] for s in stacks}) > 1:
            return True
        for stack in stacks:
            if {s[-1][1] for s in stacks} != set(steps[stack[-1][0]][1]):
                return True
    return False


@settings(max_examples=150, deadline=None)
@given(graphs(), st.data())
def test_spoilt_graphs_are_told_exactly_where_a_plain_walk_stumbles(graph, data):
    steps, start, end = graph
    for _ in range(data.draw(st.integers(1, 2))):
        name = data.draw(st.sampled_from(sorted(steps)))
        kind, targets, joins = steps[name]
        spoil = data.draw(st.sampled_from(["drop", "retarget", "add", "join", "rename"]))
        other = data.draw(st.sampled_from(sorted(steps)))
        if spoil == "drop" and targets:
            targets.pop()
        elif spoil == "retarget" and targets and other not in targets:
            targets[0] = other
        elif spoil == "add" and other not in targets and kind != FOREACH:
            targets.append(other)
        elif spoil == "join":
            steps[name][2] = not joins
        elif spoil == "rename" and targets:
            targets[0] = "nowhere"
    problems = problems_of(draft_of(steps, start, end))
    for problem in problems:
        assert problem.message.endswith((".", "?"))
        assert problem.file == "flow.py"
        assert problem.line > 0
    unknown = any("nowhere" in targets for _, targets, _ in steps.values())
    assert bool(problems) == (unknown or naive_problem(steps, start, end))
