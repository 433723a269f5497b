"""Deployer says what there is to deploy to, and a provider that is registered does its work."""

import tempfile

import pytest

from falaj import DeployedFlow, Deployer, DeployerImpl, FlowSpec, NBDeployer, TriggeredRun, step
from falaj.errors import DeploymentUnavailable, NotebookFlowError
from falaj.runner import providers

FLOW = """
class F(FlowSpec):
    count = Parameter("count", default=1)
    gate = Parameter("gate", default="")

    @step
    def start(self):
        import os, time
        while self.gate and not os.path.exists(self.gate):
            time.sleep(0.01)
        self.next(self.end)

    @step
    def end(self):
        self.doubled = self.count * 2
"""


@pytest.fixture
def flow(project, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    project.write(FLOW)
    return str(project.path)


@pytest.fixture
def provider(monkeypatch):
    """Register a provider that triggers runs on this machine, in the background."""
    monkeypatch.setattr(providers, "_providers", {})
    deployed = {}

    class Triggered(TriggeredRun):
        def __init__(self, name, running):
            super().__init__(name, running.run.pathspec)
            self.running = running

        def terminate(self, **kwargs):
            was_running = self.is_running
            self.running.cancel()
            return was_running

    class Deployed(DeployedFlow):
        TYPE = "test-bench"

        def __init__(self, name, runner):
            super().__init__(name, "F")
            self.runner = runner

        def trigger(self, **kwargs):
            import asyncio

            return Triggered(self.name, asyncio.run(self.runner.async_run(**kwargs)))

        def delete(self, **kwargs):
            return deployed.pop(self.name, None) is not None

        @classmethod
        def from_deployment(cls, identifier, metadata=None, impl="test-bench"):
            return deployed[identifier]

        @classmethod
        def list_deployed_flows(cls, flow_name=None, impl="test-bench"):
            return [one for one in deployed.values() if flow_name in (None, one.flow_name)]

        @classmethod
        def get_triggered_run(cls, identifier, run_id, metadata=None, impl="test-bench"):
            return TriggeredRun(identifier, f"F/{run_id}")

    @providers.register_provider
    class Bench(DeployerImpl):
        TYPE = "test-bench"

        def create(self, **kwargs):
            name = self.deployer_kwargs["name"]
            deployed[name] = Deployed(name, self.runner)
            return deployed[name]

        @staticmethod
        def deployed_flow_type():
            return Deployed

    return Bench


def test_a_provider_deploys_triggers_and_is_found_again(flow, provider, tmp_path):
    made = Deployer(flow).test_bench(name="nightly").create()
    assert (made.name, made.flow_name, made.production_token) == ("nightly", "F", None)
    assert DeployedFlow.from_deployment("nightly", impl="test_bench") is made
    assert DeployedFlow.list_deployed_flows("F", impl="test-bench") == [made]
    assert DeployedFlow.list_deployed_flows("G", impl="test-bench") == []

    triggered = made.trigger(count=4)
    assert triggered.wait_for_run(check_interval=0.01).pathspec == triggered.pathspec
    triggered.wait_for_completion(check_interval=0.01)
    assert (triggered.status, triggered.is_running) == ("succeeded", False)
    assert triggered.run.data.doubled == 8
    run_id = triggered.run.id
    again = DeployedFlow.get_triggered_run("nightly", run_id, impl="test-bench")
    assert again.run == triggered.run

    waiting = made.trigger(gate=str(tmp_path / "never"))
    assert (waiting.status, waiting.is_running) == ("running", True)
    with pytest.raises(TimeoutError, match="has not ended"):
        waiting.wait_for_completion(check_interval=0.01, timeout=0.05)
    assert waiting.terminate()
    assert waiting.status == "cancelled"
    with pytest.raises(DeploymentUnavailable, match="Triggered can't suspend a run"):
        waiting.suspend()
    with pytest.raises(DeploymentUnavailable, match="Triggered can't go on with a run"):
        waiting.unsuspend()
    assert made.delete()
    assert not made.delete()


def test_a_run_that_has_not_begun_is_none(home):
    triggered = TriggeredRun("nightly", "F/12")
    assert (triggered.run, triggered.status, triggered.is_running) == (None, None, False)
    with pytest.raises(TimeoutError, match="F/12 has not begun"):
        triggered.wait_for_run(check_interval=0.01, timeout=0.03)


def test_what_is_not_there_says_what_is(flow, provider):
    deployer = Deployer(flow)
    for name in ("argo_workflows", "step_functions", "airflow"):
        with pytest.raises(DeploymentUnavailable, match=f"`{name}`. There is `test_bench`"):
            getattr(deployer, name)(name="nightly")
    with pytest.raises(AttributeError, match="no provider `test_bensh` .did you mean `test_bench`"):
        _ = deployer.test_bensh
    with pytest.raises(DeploymentUnavailable, match="`argo_workflows`"):
        DeployedFlow.from_deployment("nightly", impl="argo-workflows")


def test_deploying_to_this_machine_is_not_there_yet(flow):
    deployer = Deployer(flow)
    with pytest.raises(DeploymentUnavailable, match="needs Falaj's service"):
        deployer.local(name="nightly").create()
    with pytest.raises(DeploymentUnavailable, match="needs Falaj's service"):
        DeployedFlow.list_deployed_flows()
    with pytest.raises(DeploymentUnavailable, match="to `argo_workflows`. Deploying to this"):
        deployer.argo_workflows()


def test_a_file_that_is_not_there_is_told_at_once(tmp_path):
    with pytest.raises(FileNotFoundError, match="no flow file"):
        Deployer(str(tmp_path / "absent.py"))


def test_a_provider_needs_a_name():
    class Nameless(DeployerImpl):
        pass

    with pytest.raises(ValueError, match="Nameless has no TYPE"):
        providers.register_provider(Nameless)


def test_a_flow_of_a_file_is_not_one_of_a_cell():
    class FileFlow(FlowSpec):
        @step
        def start(self):
            pass

    with pytest.raises(NotebookFlowError, match=r"Use Deployer\("):
        NBDeployer(FileFlow)
