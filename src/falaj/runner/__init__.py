"""Running and deploying flows from other programs and from notebooks."""

from falaj.runner.deployed import DeployedFlow, TriggeredRun
from falaj.runner.deployer import Deployer, DeployerImpl
from falaj.runner.executing import ExecutingRun, ExecutingTask
from falaj.runner.notebook import NBDeployer, NBRunner
from falaj.runner.runner import Runner

__all__ = [
    "DeployedFlow",
    "Deployer",
    "DeployerImpl",
    "ExecutingRun",
    "ExecutingTask",
    "NBDeployer",
    "NBRunner",
    "Runner",
    "TriggeredRun",
]
