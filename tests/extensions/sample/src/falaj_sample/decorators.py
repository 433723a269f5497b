"""Decorators: one that runs around a step, one that changes it, one that changes a flow."""

from falaj import FlowMutator, StepMutator, UserStepDecorator


class Stamped(UserStepDecorator):
    """Leaves a note in the artifact `stamp` before the step runs."""

    def init(self, text: str = "sample") -> None:
        self.text = text

    def pre_step(self, step_name, flow, inputs=None):
        flow.stamp = f"{self.text} {step_name}"


class Patient(StepMutator):
    """Gives a step one more try."""

    def mutate(self, mutable_step):
        mutable_step.add_decorator("retry", deco_kwargs={"times": 1, "seconds_between_retries": 0})


class AllStamped(FlowMutator):
    """Stamps every step of a flow, by the name of the entry point."""

    def pre_mutate(self, mutable_flow):
        for _, step in mutable_flow.steps:
            step.add_decorator("stamped", deco_kwargs={"text": "all"})
