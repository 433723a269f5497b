"""A flow's class that is not run tells its steps and its graph."""

import pytest

from falaj import Config, FlowMutator, FlowSpec, Parameter, config_expr, parallel, retry, step
from falaj.errors import FalajException


class Looked(FlowSpec):
    """What the flow is for."""

    @step
    def start(self):
        """Begin."""
        self.next(self.left, self.right)

    @retry(times=1)
    @step
    def left(self):
        self.next({"a": self.short, "b": self.end_of_left}, condition="kind")

    @step
    def short(self):
        self.next(self.end_of_left)

    @step
    def end_of_left(self):
        self.next(self.join)

    @step
    def right(self):
        self.next(self.train, num_parallel=2)

    @parallel
    @step
    def train(self):
        self.next(self.trained)

    @step
    def trained(self, inputs):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.spread)

    @step
    def spread(self):
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.next(self.every)

    @step
    def every(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


class Faulty(FlowSpec):
    @step
    def start(self):
        self.next(self.nowhere)

    @step
    def end(self):
        pass


def test_a_flow_that_is_not_run_tells_its_names_and_steps():
    flow = Looked(use_cli=False)
    assert (flow.name, flow.script_name) == ("Looked", "test_flowgraph.py")
    assert {one.name for one in flow} == set(flow._graph.nodes)


def test_the_graph_tells_how_the_steps_hang_together():
    graph = Looked(use_cli=False)._graph
    assert (graph.start_step, graph.end_step, graph.doc) == (
        "start",
        "end",
        "What the flow is for.",
    )
    assert {node.name: node.type for node in graph} == {
        "start": "split",
        "left": "split-switch",
        "short": "linear",
        "end_of_left": "linear",
        "right": "foreach",
        "train": "linear",
        "trained": "join",
        "join": "join",
        "spread": "foreach",
        "each": "linear",
        "every": "join",
        "end": "end",
    }
    assert (graph["start"].matching_join, graph["start"].out_funcs) == ("join", ["left", "right"])
    assert sorted(graph["end_of_left"].in_funcs) == ["left", "short"]
    assert graph["left"].switch_cases == {"a": "short", "b": "end_of_left"}
    assert [one.name for one in graph["left"].decorators] == ["retry"]
    assert (graph["right"].parallel_foreach, graph["spread"].parallel_foreach) == (True, False)
    assert (graph["right"].parallel_step, graph["train"].parallel_step) == (False, True)
    assert graph["spread"].foreach_param == "items"
    assert graph["start"].source_file.endswith("test_flowgraph.py")
    assert graph["start"].func_lineno < graph["end"].func_lineno
    assert graph.sorted_nodes[0] == "start"
    assert "short" in graph
    assert "nowhere" not in graph


def test_the_structure_nests_as_the_branches_do():
    told, structure = Looked(use_cli=False)._graph.output_steps()
    assert structure == [
        "start",
        [["left", [["short"], []], "end_of_left"], ["right", [["train"]], "trained"]],
        "join",
        "spread",
        [["each"]],
        "every",
        "end",
    ]
    assert told["each"]["type"] == "linear"


class Adds(FlowMutator):
    def pre_mutate(self, mutable_flow):
        mutable_flow.add_parameter("beta", Parameter("beta", default=1))
        assert mutable_flow.remove_parameter("alpha")
        mutable_flow.end.add_decorator("timeout:seconds=5")


@Adds
class Configured(FlowSpec):
    cfg = Config("cfg", default_value={"times": 2, "mode": "x"})
    alpha = Parameter("alpha", default=1)

    @retry(times=config_expr("cfg.times"))
    @step
    def start(self):
        self.next({self.cfg.mode: self.other, "y": self.end}, condition="kind")

    @step
    def other(self):
        self.next(self.end)

    @step
    def end(self):
        pass


def test_a_graph_is_what_configs_and_mutators_make_of_it_and_the_class_stays_as_it_is():
    for _ in range(2):
        graph = Configured(use_cli=False)._graph
        assert graph["start"].decorators[0].attributes["times"] == 2
        assert graph["start"].switch_cases == {"config:cfg.mode": "other", "y": "end"}
        assert [one.name for one in graph["end"].decorators] == ["timeout"]
    assert isinstance(Configured.alpha, Parameter)
    assert not hasattr(Configured, "beta")


def test_a_graph_with_faults_says_which():
    with pytest.raises(FalajException, match="nowhere"):
        _ = Faulty(use_cli=False)._graph


def test_the_steps_of_a_flow_with_configs_are_gone_through():
    assert sorted(one.name for one in Configured(use_cli=False)) == ["end", "other", "start"]
