"""What belongs to a flow, and what to FlowSpec."""

from falaj import Parameter, step
from falaj.authoring.collect import describe
from falaj.authoring.members import members_of, parameters_of, reserved_names, steps_of


class FlowSpec:
    """A base with a name that the real one may get some day."""

    def extra(self): ...


class Base(FlowSpec):
    rate = Parameter("rate")

    @step
    def start(self): ...

    @step
    def middle(self): ...


class F(Base):
    size = Parameter("size")
    middle = None

    @step
    def end(self): ...


def test_members_are_the_flows_own_with_its_bases():
    assert "extra" not in members_of(F)
    assert list(steps_of(F)) == ["start", "end"]
    assert list(parameters_of(F)) == ["rate", "size"]


def test_reserved_names_are_those_of_flowspec():
    assert reserved_names(F) >= {"extra", "next", "input", "merge_artifacts"}
    assert "start" not in reserved_names(F)


def test_a_value_that_has_every_attribute_is_no_step():
    class Anything:
        def __getattr__(self, name):
            return self

    class Flow(FlowSpec):
        value = Anything()

        @step
        def only(self): ...

    assert list(steps_of(Flow)) == ["only"]
    assert describe(Flow).start == "only"
