"""One flow for each mistake that the checks know, and the sentence that it earns."""

import json

import pytest

from falaj.authoring.collect import describe
from falaj.model.graph import Case, FlowDescription

# Each case: a name, the flow, and what is told of it ("<-" stands for the marked line).
CASES = {
    "no steps": (
        """
        class F(FlowSpec):  # <-
            def start(self):
                pass
        """,
        ["<-: Flow `F` has no steps; mark its methods with @step."],
    ),
    "reserved step name": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.input)
            @step
            def input(self):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: Step `input` has a name that FlowSpec itself uses; rename it."],
    ),
    "step named like a FlowSpec method": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.merge_artifacts)
            @step
            def merge_artifacts(self):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: Step `merge_artifacts` has a name that FlowSpec itself uses; rename it."],
    ),
    "no start": (
        """
        class F(FlowSpec):  # <-
            @step
            def begin(self):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: Flow `F` has no start step; name a step `start` or mark one with @step(start=True)."],
    ),
    "no end, one candidate": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.finish)
            @step
            def finish(self):  # <-
                pass
        """,
        [
            "<-: The flow has no end step; if `finish` is meant to be it, rename it to `end` or "
            "mark it with @step(end=True), else let it go on with self.next."
        ],
    ),
    "step forgotten on a start that goes nowhere": (
        """
        class F(FlowSpec):  # <-
            def start(self):
                pass
            @step
            def a(self):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: Flow `F` has no start step; put @step above its method `start`."],
    ),
    "step forgotten on an end that nothing leads to": (
        """
        class F(FlowSpec):  # <-
            @step
            def start(self):
                self.next(self.a)
            @step
            def a(self): pass
            def end(self): pass
        """,
        ["<-: Flow `F` has no end step; put @step above its method `end`."],
    ),
    "no end, several candidates": (
        """
        class F(FlowSpec):  # <-
            @step
            def start(self):
                self.next(self.a, self.b)
            @step
            def a(self):  # <-
                pass
            @step
            def b(self):  # <-
                pass
        """,
        [
            "<-: Flow `F` has no end step; name a step `end` or mark one with @step(end=True).",
            "<-: Step `a` does not say what comes next; end it with self.next(...).",
            "<-: Step `b` does not say what comes next; end it with self.next(...).",
        ],
    ),
    "two marked starts": (
        """
        class F(FlowSpec):
            @step(start=True)
            def a(self):
                self.next(self.end)
            @step(start=True)
            def b(self):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: Steps `a` and `b` are marked @step(start=True); keep the mark on one of them."],
    ),
    "a marked start and a step named start": (
        """
        class F(FlowSpec):
            @step(start=True)
            def first(self):
                self.next(self.start)
            @step
            def start(self):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Step `start` is named so, but `first` is marked @step(start=True); rename it, or "
            "take the mark away."
        ],
    ),
    "a way back to the start": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, self.end)
            @step
            def a(self):
                self.next(self.start)  # <-
            @step
            def end(self): pass
        """,
        [
            "<-: Step `a` goes back to the start step `start`, which no step can lead to; lead on "
            "to another step."
        ],
    ),
    "end goes on": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self):
                self.next(self.a)  # <-
            @step
            def a(self):
                self.next(self.end)
        """,
        [
            "<-: The end step `end` calls self.next; take the call away, or mark the true last "
            "step with @step(end=True)."
        ],
    ),
    "end joins": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, self.b)
            @step
            def a(self):
                self.next(self.end)
            @step
            def b(self):
                self.next(self.end)
            @step
            def end(self, inputs):  # <-
                pass
        """,
        [
            "<-: The end step `end` can't be a join; join in a step before it, and take `inputs` "
            "away here."
        ],
    ),
    "step names": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.Train)
            @step
            def Train(self):  # <-
                self.next(self._next)
            @step
            def _next(self):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Step `Train` can't have this name; use lower-case letters, digits and `_`, with a "
            "letter first.",
            "<-: Step `_next` can't have this name; use lower-case letters, digits and `_`, with a "
            "letter first.",
        ],
    ),
    "arguments": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a)
            @step
            def a(self, inputs, more):  # <-
                self.next(self.b)
            @step
            def b(self, *inputs):  # <-
                self.next(self.end)
            @step
            def end():  # <-
                pass
        """,
        [
            "<-: Step `a` takes too many arguments; write def a(self), or def a(self, inputs) for "
            "a join.",
            "<-: Step `b` takes keyword-only or starred arguments; a step is a plain method, def "
            "b(self).",
            "<-: Step `end` lacks `self`; write def end(self).",
        ],
    ),
    "odd functions": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a)
            @step
            async def a(self):  # <-
                self.next(self.b)
            @step
            def b(self):  # <-
                yield 1
                self.next(self.c)
            @staticmethod
            @step
            def c(self):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Step `a` is async; a step is a plain method, def a(self).",
            "<-: Step `b` is a generator: it has a `yield`; a step is a plain method, def b(self).",
            "<-: Step `c` is a staticmethod; a step is a plain method, def c(self).",
        ],
    ),
    "alias": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a)
            @step
            def a(self):  # <-
                self.next(self.end)
            again = a
            @step
            def end(self): pass
        """,
        [
            "<-: Step `again` is only another name of `a`; a step is a plain method, def "
            "again(self)."
        ],
    ),
    "join and split at once": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, self.b)
            @step
            def a(self):
                self.next(self.j)
            @step
            def b(self):
                self.next(self.j)
            @step
            def j(self, inputs):  # <-
                self.next(self.a, self.b)
            @step
            def end(self): pass
        """,
        ["<-: Step `j` joins and splits at once; split in a step after it."],
    ),
    "no self.next": (
        """
        class F(FlowSpec):
            @step
            def start(self):  # <-
                self.x = 1
            @step
            def end(self): pass
        """,
        ["<-: Step `start` does not say what comes next; end it with self.next(...)."],
    ),
    "self.next in a block": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                if True:
                    self.next(self.end)  # <-
            @step
            def end(self): pass
        """,
        [
            "<-: self.next is not the last statement of step `start`; move it to the end of the "
            "step, out of any block."
        ],
    ),
    "something after self.next": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.end)  # <-
                print("bye")
            @step
            def end(self): pass
        """,
        [
            "<-: self.next is not the last statement of step `start`; move it to the end of the "
            "step, out of any block."
        ],
    ),
    "two calls of self.next": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                if True:
                    self.next(self.end)
                    return
                self.next(self.end)  # <-
            @step
            def end(self): pass
        """,
        ["<-: Step `start` calls self.next on lines 6 and 8; call it once, as its last statement."],
    ),
    "unknown step, near miss": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.compte)  # <-
            @step
            def compute(self):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Step `start` goes to `compte`, which is no step of the flow (did you mean "
            "`compute`?)."
        ],
    ),
    "unknown step": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.zzz)  # <-
            @step
            def end(self): pass
        """,
        ["<-: Step `start` goes to `zzz`, which is no step of the flow; add it, or go to `end`."],
    ),
    "step forgotten on the last method": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.end)  # <-
            def end(self):
                pass
        """,
        ["<-: Step `start` goes to `end`, which is no step; put @step above `end`."],
    ),
    "step forgotten": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a)
            def a(self):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: Method `a` calls self.next but is no step; did you forget @step above it?"],
    ),
    "loop": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a)
            @step
            def a(self):
                self.next(self.b)
            @step
            def b(self):
                self.next(self.c, self.end)
            @step
            def c(self):
                self.next(self.a)  # <-
            @step
            def end(self): pass
        """,
        [
            "<-: The steps `a` -> `b` -> `c` -> `a` form a loop; change one of their self.next "
            "calls. Only a step that leads to itself, as a case of a condition, may repeat."
        ],
    ),
    "self-loop": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, self.end)
            @step
            def a(self):
                self.next(self.a)  # <-
            @step
            def end(self): pass
        """,
        [
            "<-: The steps `a` -> `a` form a loop; change one of their self.next calls. Only a "
            "step that leads to itself, as a case of a condition, may repeat."
        ],
    ),
    "orphan": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.end)
            @step
            def a(self):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Step `a` is never reached from `start`; lead to it with self.next(self.a), or "
            "take it away."
        ],
    ),
    "split not joined": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, self.b)
            @step
            def a(self):
                self.next(self.end)
            @step
            def b(self):
                self.next(self.end)
            @step
            def end(self):  # <-
                pass
        """,
        [
            "<-: The end step `end` is reached before the split of step `start` is joined; lead "
            "its branches to a join, a step that takes (self, inputs), first."
        ],
    ),
    "foreach not joined": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.x = [1]
                self.next(self.a, foreach="x")
            @step
            def a(self):
                self.next(self.end)
            @step
            def end(self):  # <-
                pass
        """,
        [
            "<-: The end step `end` is reached before the split of step `start` is joined; lead "
            "its branches to a join, a step that takes (self, inputs), first."
        ],
    ),
    "join without inputs": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, self.b)
            @step
            def a(self):
                self.next(self.j)
            @step
            def b(self):
                self.next(self.j)
            @step
            def j(self):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: Step `j` follows `a` and `b`, so it must be a join; write def j(self, inputs)."],
    ),
    "join lacks a branch": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, self.b, self.c)
            @step
            def a(self):
                self.next(self.j)
            @step
            def b(self):
                self.next(self.j)
            @step
            def c(self):
                self.next(self.end)
            @step
            def j(self, inputs):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Join `j` gets only a part of the split of step `start`: the branch of `c` is "
            "missing; let every branch lead to this join."
        ],
    ),
    "join without a split": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.j)
            @step
            def j(self, inputs):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Step `j` takes `inputs` as a join does, but no split comes before it; take the "
            "argument away or put a split before it."
        ],
    ),
    "start is a join": (
        """
        class F(FlowSpec):
            @step
            def start(self, inputs):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Step `start` takes `inputs` as a join does, but no split comes before it; take "
            "the argument away or put a split before it."
        ],
    ),
    "unrelated splits": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, self.b)
            @step
            def a(self):
                self.next(self.c, self.d)
            @step
            def b(self):
                self.next(self.j)
            @step
            def c(self):
                self.next(self.j)
            @step
            def d(self):
                self.next(self.j)
            @step
            def j(self, inputs):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Join `j` mixes branches of unrelated splits (of steps `a` and `start`); join each "
            "split in a step of its own, inner splits first."
        ],
    ),
    "foreach goes straight to its join": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.x = [1]
                self.next(self.j, foreach="x")  # <-
            @step
            def j(self, inputs):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: The foreach of step `start` goes straight to the join `j`; put a step between them."],
    ),
    "split goes straight to its join": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, self.j)  # <-
            @step
            def a(self):
                self.next(self.j)
            @step
            def j(self, inputs):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: The split of step `start` goes straight to the join `j`; put a step between them."],
    ),
    "catch on a foreach": (
        """
        class F(FlowSpec):
            @catch(var="failure")  # <-
            @step
            def start(self):
                self.x = [1]
                self.next(self.a, foreach="x")
            @step
            def a(self):
                self.next(self.j)
            @step
            def j(self, inputs):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: @catch can't stand on step `start`, which ends in a foreach: after a failure "
            "there are no values to go on with; start the foreach in a step after it."
        ],
    ),
    "catch into a parameter": (
        """
        class F(FlowSpec):
            alpha = Parameter("alpha")
            @catch(var="alpha")  # <-
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: @catch(var='alpha') of step `start` uses a name that is taken; choose another."],
    ),
    "catch into a config or a constant": (
        """
        from falaj import Config
        class F(FlowSpec):
            cfg = Config("cfg")
            rate = 3
            @catch(var="cfg")  # <-
            @step
            def start(self):
                self.next(self.end)
            @catch(var="rate")  # <-
            @step
            def end(self): pass
        """,
        [
            "<-: @catch(var='cfg') of step `start` uses a name that is taken; choose another.",
            "<-: @catch(var='rate') of step `end` uses a name that is taken; choose another.",
        ],
    ),
    "catch into a step or a name of FlowSpec": (
        """
        class F(FlowSpec):
            @catch(var="end")  # <-
            @step
            def start(self):
                self.next(self.end)
            @catch(var="input")  # <-
            @step
            def end(self): pass
        """,
        [
            "<-: @catch(var='end') of step `start` uses a name that is taken; choose another.",
            "<-: @catch(var='input') of step `end` uses a name that is taken; choose another.",
        ],
    ),
    "a step hidden by a value": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.end)
            @step
            def train(self):
                self.next(self.end)
            train: int = 3  # <-
            @step
            def end(self): pass
        """,
        ["<-: `train` is defined twice, on lines 7 and 9, and only the last counts; rename one."],
    ),
    "a step defined twice": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a)
            @step
            def a(self):
                self.next(self.end)
            @step
            def a(self):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: `a` is defined twice, on lines 7 and 10, and only the last counts; rename one."],
    ),
    "a parameter and a step of one name": (
        """
        class F(FlowSpec):
            train = Parameter("train")
            @step
            def start(self):
                self.next(self.train)
            @step
            def train(self):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: `train` is defined twice, on lines 3 and 8, and only the last counts; rename one."],
    ),
    "parameters": (
        """
        class F(FlowSpec):
            a = Parameter("rate", default=1)
            b = Parameter("Rate", default=2)  # <-
            c = Parameter("max-workers")  # <-
            name = Parameter("title")  # <-
            _d = Parameter("d")  # <-
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Parameter `Rate` is specified twice (also as `a`); rename one of them.",
            "<-: Parameter name `max-workers` is reserved: `--max-workers` is an option of Falaj. "
            "Choose another name.",
            "<-: Parameter `title` is held by `name`, which FlowSpec itself uses; rename it.",
            "<-: Parameter `d` is held by the private attribute `_d`; let the attribute start "
            "with a letter.",
        ],
    ),
    "equal cases": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next({1: self.a, True: self.b}, condition="x")  # <-
            @step
            def a(self): self.next(self.end)
            @step
            def b(self): self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: self.next in step `start` has the cases 1 and True, which are equal to Python; "
            "keep one."
        ],
    ),
    "case of no config": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next({self.config.mode: self.a, "y": self.end}, condition="x")  # <-
            @step
            def a(self): self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: self.next in step `start` takes a case from self.config.mode, but the flow has no "
            "config `config`, and so no value of that name."
        ],
    ),
    "case of a parameter": (
        """
        class F(FlowSpec):
            config = Parameter("config", default="a")
            @step
            def start(self):
                self.next({self.config.name: self.a, "y": self.end}, condition="x")  # <-
            @step
            def a(self): self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: self.next in step `start` takes a case from the parameter `config`, which is "
            "known only in a run; compare it in the step, and give the outcome as the condition."
        ],
    ),
    "straight to a join": (
        """
        class F(FlowSpec):
            @step
            def start(self): self.next(self.a, self.b)
            @step
            def a(self):
                self.next({"x": self.join, "y": self.c}, condition="k")  # <-
            @step
            def b(self): self.next(self.join)
            @step
            def c(self): self.next(self.join)
            @step
            def join(self, inputs): self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: The condition of step `a` goes straight to the join `join`; put a step between "
            "them."
        ],
    ),
    "a join that chooses": (
        """
        class F(FlowSpec):
            @step
            def start(self): self.next(self.a, self.b)
            @step
            def a(self): self.next(self.join)
            @step
            def b(self): self.next(self.join)
            @step
            def join(self, inputs):  # <-
                self.next({"x": self.c, "y": self.end}, condition="k")
            @step
            def c(self): self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: Step `join` joins and chooses at once; choose in a step after it."],
    ),
    "caught": (
        """
        class F(FlowSpec):
            @catch(var="e")  # <-
            @step
            def start(self):
                self.next({"x": self.c, "y": self.end}, condition="k")
            @step
            def c(self): self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: @catch can't stand on step `start`, which ends in a condition: after a failure "
            "nothing chooses how to go on; choose in a step after it."
        ],
    ),
    "two joins of one split": (
        """
        class F(FlowSpec):
            @step
            def start(self): self.next(self.a, self.b)
            @step
            def a(self): self.next({"x": self.a1, "y": self.a2}, condition="k")
            @step
            def b(self): self.next({"x": self.b1, "y": self.b2}, condition="k")
            @step
            def a1(self): self.next(self.one)
            @step
            def a2(self): self.next(self.two)
            @step
            def b1(self): self.next(self.one)
            @step
            def b2(self): self.next(self.two)
            @step
            def one(self, inputs): self.next(self.end)
            @step
            def two(self, inputs): self.next(self.end)  # <-
            @step
            def end(self): pass
        """,
        [
            "<-: The split of step `start` is joined by `one` and by `two`, so that neither may "
            "get all of its branches; let every way lead to one join."
        ],
    ),
    "ways with different splits open": (
        """
        class F(FlowSpec):
            @step
            def start(self): self.next({"x": self.a, "y": self.b}, condition="k")
            @step
            def a(self): self.next(self.c, foreach="xs")
            @step
            def b(self): self.next(self.c)
            @step
            def c(self): self.next(self.join)  # <-
            @step
            def join(self, inputs): self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Step `c` is reached by ways that have different splits open, from `a` and `b`; "
            "join what each way has split before they meet."
        ],
    ),
    "a wider loop": (
        """
        class F(FlowSpec):
            @step
            def start(self): self.next(self.a)
            @step
            def a(self): self.next(self.b)
            @step
            def b(self):
                self.next({"x": self.a, "y": self.end}, condition="k")  # <-
            @step
            def end(self): pass
        """,
        [
            "<-: The steps `a` -> `b` -> `a` form a loop; change one of their self.next calls. "
            "Only a step that leads to itself, as a case of a condition, may repeat."
        ],
    ),
    "a gang of a step without @parallel": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, num_parallel=2)  # <-
            @step
            def a(self):
                self.next(self.j)
            @step
            def j(self, inputs):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: Step `start` starts a gang of `a`, which lacks @parallel; put it above `a`."],
    ),
    "a gang that no join follows": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, num_parallel=2)
            @parallel  # <-
            @step
            def a(self):
                self.next(self.b)
            @step
            def b(self):
                self.next(self.j)
            @step
            def j(self, inputs):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Step `a` has @parallel, so what follows it must be one join; let it go on to a "
            "step that takes (self, inputs)."
        ],
    ),
    "steps of gangs that are reached in other ways": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, self.b)
            @parallel  # <-
            @step
            def a(self):
                self.next(self.j)
            @step
            def b(self):
                self.next(self.j)
            @step
            def j(self, inputs):
                self.next(self.spread)
            @step
            def spread(self):
                self.next(self.k, foreach="xs")
            @pytorch_parallel  # <-
            @step
            def k(self):
                self.next(self.l)
            @step
            def l(self, inputs):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Step `a` has @parallel, but `start` leads to it without num_parallel; write "
            "self.next(self.a, num_parallel=4), or take @parallel away.",
            "<-: Step `k` has @pytorch_parallel, but `spread` leads to it without num_parallel; "
            "write self.next(self.k, num_parallel=4), or take @pytorch_parallel away.",
        ],
    ),
    "a gang at the start, with two marks": (
        """
        class F(FlowSpec):
            @parallel
            @pytorch_parallel  # <-
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Step `start` has `@pytorch_parallel` and `@parallel`; keep one.",
            "<-: Step `start` has @pytorch_parallel, so what follows it must be one join; let it "
            "go on to a step that takes (self, inputs).",
            "<-: Step `start` has @pytorch_parallel, but it starts the flow without num_parallel; "
            "write self.next(self.start, num_parallel=4), or take @pytorch_parallel away.",
        ],
    ),
    "a gang that joins": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, num_parallel=2)
            @parallel  # <-
            @step
            def a(self, inputs):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        ["<-: Step `a` can't have @parallel and join; start the gang in a step after it."],
    ),
    "catch on a step that starts a gang": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, num_parallel=2)
            @parallel
            @catch(var="e")  # <-
            @step
            def a(self):
                self.next(self.b, num_parallel=2)
            @parallel
            @step
            def b(self):
                self.next(self.j)
            @step
            def j(self, inputs):
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: @catch can't stand on step `a`, which ends in a gang: after a failure its size "
            "is not known; start the gang in a step after it."
        ],
    ),
    "a join of a branch and of what is on none": (
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next({"x": self.a, "y": self.d}, condition="k")
            @step
            def a(self):
                self.next(self.b, self.c)
            @step
            def b(self):
                self.next(self.j)
            @step
            def c(self):
                self.next(self.j)
            @step
            def d(self):
                self.next(self.j)
            @step
            def j(self, inputs):  # <-
                self.next(self.end)
            @step
            def end(self): pass
        """,
        [
            "<-: Join `j` mixes `d`, which is on no branch, with branches of a split; join only "
            "what one split has parted."
        ],
    ),
}

ALL_FORMS = (
    "write self.next(self.a), self.next(self.a, self.b), self.next(self.a, foreach='items'), "
    "self.next(self.a, num_parallel=4) or self.next({'x': self.a, 'y': self.b}, condition='kind')"
)
SWITCH_FORM = "write self.next({'x': self.a, 'y': self.b}, condition='kind') for self.kind"
WRITTEN_OUT = (
    "has a case that is not written out; a case is a text, a number, True, False or a value of a "
    "config, as in self.config.mode"
)
FORMS = {
    "self.next()": f"names no step; {ALL_FORMS}",
    "self.next('end')": "names step `end` by a text; write self.next(self.end)",
    "self.next(self.end())": "calls step `end`; name it without parentheses, as in "
    "self.next(self.end)",
    "self.next(*self.steps)": "takes its steps from a variable; name each one, as in "
    "self.next(self.a, self.b)",
    "self.next(end)": f"has a target that is not a step; {ALL_FORMS}",
    "self.next(self.end, foreach=self.x)": "has a foreach that is not an artifact's name; write "
    "foreach='items' for self.items",
    "self.next(self.end, self.end)": "names step `end` twice; name every branch once",
    "self.next(self.a, self.b, foreach='x')": "fans out to 2 steps at once; a foreach goes to "
    "exactly one step",
    "self.next(self.end, foreeach='x')": "has an unknown argument `foreeach` (did you mean "
    f"`foreach`?); {ALL_FORMS}",
    "self.next(self.end, **self.x)": f"takes its arguments from a dict; {ALL_FORMS}",
    "self.next({'x': self.end, 'y': self.end}, condition='x')": "leads to step `end` in every "
    "case; write self.next(self.end)",
    "self.next({}, condition='x')": f"has no cases; {SWITCH_FORM}",
    "self.next({'x': self.a, 'y': self.end})": f"gives cases, but no condition; {SWITCH_FORM}",
    "self.next(self.end, condition='x')": f"has a condition, but no cases; {SWITCH_FORM}",
    "self.next({'x': self.a, 'y': self.end}, condition=self.x)": "has a condition that is not an "
    f"artifact's name; {SWITCH_FORM}",
    "self.next({'x': self.a, 'y': self.end}, condition='x', foreach='y')": "has a condition and "
    "foreach; let the step that is chosen start the foreach",
    "self.next({'x': self.a, 'y': self.end}, condition='x', num_parallel=2)": "has a condition "
    "and num_parallel; let the step that is chosen start the gang",
    "self.next({'x': self.a, 'y': self.end}, self.end, condition='x')": "goes to a step beside "
    f"its cases; {SWITCH_FORM}",
    "self.next({'x': self.a, 'y': self.end}, condition='x', other=1)": "has an argument beside "
    f"its condition; {SWITCH_FORM}",
    "self.next({self.x: self.a, 'y': self.end}, condition='x')": WRITTEN_OUT,
    "self.next({1 + 1: self.a, 'y': self.end}, condition='x')": WRITTEN_OUT,
    "self.next({None: self.a, 'y': self.end}, condition='x')": WRITTEN_OUT,
    "self.next({**self.ways, 'y': self.end}, condition='x')": WRITTEN_OUT,
    "self.next({'x': 'end', 'y': self.end}, condition='x')": "names step `end` by a text; write "
    "self.next(self.end)",
    "self.next(self.end, num_parallel=0)": "asks for a gang of 0; num_parallel is a whole number "
    "from 1 on",
    "self.next(self.end, num_parallel=2, foreach='x')": "has both foreach and num_parallel; start "
    "the gang in a step of the foreach",
    "self.next(self.a, self.b, num_parallel=2)": "fans out to 2 steps at once; a gang goes to "
    "exactly one step",
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_mistake_is_told_with_its_line_and_mend(case, problems):
    source, expected = CASES[case]
    assert problems(source) == expected


@pytest.mark.parametrize("call", sorted(FORMS))
def test_form_of_self_next(call, problems):
    source = """
class F(FlowSpec):
    @step
    def start(self):
        {}  # <-
    @step
    def end(self): pass
"""
    assert problems(source.format(call)) == [
        f"<-: self.next in step `start` {FORMS[call]}.",
    ]


def test_mistakes_in_several_steps_are_told_together(problems):
    told = problems(
        """
        class F(FlowSpec):
            rate = Parameter("rate", type=int, default="x")  # <-
            @step
            def start(self):
                self.next(self.compte)  # <-
            @step
            def Compute(self):  # <-
                self.x = 1
            @step
            def end(self): pass
        """
    )
    assert [problem[:2] for problem in told] == ["<-"] * 4


def test_conditions_may_meet_again_anywhere_and_repeat_a_step(load):
    flow = load(
        """
        class Settings:
            mode = "x"

        class F(FlowSpec):
            config = Settings
            table = {"key": 2.5}
            @step
            def start(self): self.next(self.each, foreach="xs")
            @step
            def each(self):
                self.next({self.config.mode: self.a, self.table.key: self.b, -1: self.b,
                           True: self.split}, condition="k")
            @step
            def a(self): self.next(self.meet)
            @step
            def b(self): self.next({False: self.b, True: self.meet}, condition="k")
            @step
            def split(self): self.next(self.one, self.two)
            @step
            def one(self): self.next({1: self.one, 2: self.three, 3: self.four}, condition="k")
            @step
            def three(self): self.next(self.inner)
            @step
            def four(self): self.next(self.inner)
            @step
            def two(self): self.next(self.inner)
            @step
            def inner(self, inputs): self.next(self.meet)
            @step
            def meet(self): self.next({"n": self.left, "m": self.right}, condition="k")
            @step
            def left(self): self.next(self.join)
            @step
            def right(self): self.next(self.join)
            @step
            def join(self, inputs): self.next(self.choose)
            @step
            def choose(self): self.next({1: self.end, 2: self.last}, condition="k")
            @step
            def last(self): self.next(self.end)
            @step
            def end(self): pass
        """
    )
    each = describe(flow).step("each")
    assert each.condition == "k"
    assert each.cases == (
        Case("x", "a", "config.mode"),
        Case(2.5, "b", "table.key"),
        Case(-1, "b"),
        Case(True, "split"),
    )
    assert each.targets == ("a", "b", "split")
    again = FlowDescription.from_wire(json.loads(json.dumps(describe(flow).to_wire())))
    assert again == describe(flow)
