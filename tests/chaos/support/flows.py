"""The corpus of small flows of the kill sweep; each body signs the ledger when it starts."""

import textwrap

_HEAD = """
import json, os, time
from falaj import FlowSpec, Parameter, current, parallel, retry, step

def sign(flow, *more):
    where = json.dumps([*(index for index, _, _ in flow.foreach_stack()), *more])
    line = "%s|%s|%s\\n" % (current.run_id, current.step_name, where)
    file = os.open(os.environ["CHAOS_LEDGER"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.writev(file, [line.encode()])
    os.close(file)
"""

LINEAR = """
class Linear(FlowSpec):
    size = Parameter("size", default=3)

    @step
    def start(self):
        sign(self)
        self.numbers = list(range(self.size))
        print("started")
        self.next(self.middle)

    @step
    def middle(self):
        sign(self)
        self.big = "x" * 40000
        self.next(self.end)

    @step
    def end(self):
        sign(self)
        self.total = sum(self.numbers) + len(self.big)

if __name__ == "__main__":
    Linear()
"""

BRANCH = """
class Branch(FlowSpec):
    @step
    def start(self):
        sign(self)
        self.base = 10
        self.next(self.left, self.right)

    @step
    def left(self):
        sign(self)
        self.got = self.base + 1
        self.next(self.join)

    @step
    def right(self):
        sign(self)
        self.got = self.base + 2
        self.next(self.join)

    @step
    def join(self, inputs):
        sign(self)
        self.both = [one.got for one in inputs]
        self.merge_artifacts(inputs, exclude=["got"])
        self.next(self.end)

    @step
    def end(self):
        sign(self)
        self.total = sum(self.both) + self.base

if __name__ == "__main__":
    Branch()
"""

WIDE = """
class Wide(FlowSpec):
    @step
    def start(self):
        sign(self)
        self.items = list(range(50))
        self.next(self.body, foreach="items")

    @step
    def body(self):
        sign(self)
        self.square = self.input ** 2
        self.next(self.join)

    @step
    def join(self, inputs):
        sign(self)
        self.squares = [one.square for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        sign(self)
        self.total = sum(self.squares)

if __name__ == "__main__":
    Wide()
"""

NESTED = """
class Nested(FlowSpec):
    @step
    def start(self):
        sign(self)
        self.outer = ["a", "b"]
        self.next(self.middle, foreach="outer")

    @step
    def middle(self):
        sign(self)
        self.letter = self.input
        self.inner = [1, 2, 3]
        self.next(self.body, foreach="inner")

    @step
    def body(self):
        sign(self)
        self.word = self.letter * self.input
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        sign(self)
        self.words = [one.word for one in inputs]
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        sign(self)
        self.words = [word for one in inputs for word in one.words]
        self.next(self.end)

    @step
    def end(self):
        sign(self)
        self.text = "".join(self.words)

if __name__ == "__main__":
    Nested()
"""

RETRY = """
class Retry(FlowSpec):
    @step
    def start(self):
        sign(self)
        self.base = 1
        self.next(self.flaky)

    @retry(times=2, seconds_between_retries=0)
    @step
    def flaky(self):
        sign(self)
        if current.retry_count == 0:
            raise ValueError("the first try fails")
        self.got = self.base + 1
        self.next(self.end)

    @step
    def end(self):
        sign(self)
        self.total = self.got * 2

if __name__ == "__main__":
    Retry()
"""

LOOP = """
class Loop(FlowSpec):
    @step
    def start(self):
        sign(self)
        self.count = 0
        self.next(self.around)

    @step
    def around(self):
        sign(self, *([self.count] if self.count else []))
        self.count += 1
        self.again = self.count < 4
        self.next({True: self.around, False: self.end}, condition="again")

    @step
    def end(self):
        sign(self)
        self.total = self.count

if __name__ == "__main__":
    Loop()
"""

GANG = """
class Gang(FlowSpec):
    @step
    def start(self):
        sign(self)
        self.next(self.member, num_parallel=3)

    @parallel
    @step
    def member(self):
        sign(self)
        me = current.parallel
        open("here-%s-%d" % (current.run_id, me.node_index), "w").close()
        while not all(os.path.exists("here-%s-%d" % (current.run_id, n)) for n in range(3)):
            time.sleep(0.005)
        self.got = me.node_index * 2
        self.next(self.join)

    @step
    def join(self, inputs):
        sign(self)
        self.all = [one.got for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        sign(self)
        self.total = sum(self.all)

if __name__ == "__main__":
    Gang()
"""

CORPUS = {
    name: _HEAD + textwrap.dedent(body)
    for name, body in {
        "linear": LINEAR,
        "branch": BRANCH,
        "wide": WIDE,
        "nested": NESTED,
        "retry": RETRY,
        "loop": LOOP,
        "gang": GANG,
    }.items()
}


def one_step(body: str, head: str = "") -> str:
    """Return the source of start -> work -> end, where `work` has this body and signs first."""
    own = textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 8)
    return (
        _HEAD
        + "import signal, subprocess, sys, time\n"
        + textwrap.dedent(head)
        + f"""
class Flow(FlowSpec):
    @step
    def start(self):
        sign(self)
        self.first = 1
        self.next(self.work)

    @step
    def work(self):
        sign(self)
{own}
        self.next(self.end)

    @step
    def end(self):
        sign(self)
        self.last = self.first + 1

if __name__ == "__main__":
    Flow()
"""
    )
