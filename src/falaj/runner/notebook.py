"""NBRunner and NBDeployer: runs and deployments of a flow that a cell of a notebook defines."""

from __future__ import annotations

import os
import tempfile
import weakref
from typing import TYPE_CHECKING, Any, Mapping, Optional

from falaj.runner.cells import flow_file_text
from falaj.runner.deployer import Deployer
from falaj.runner.executing import ExecutingRun, ExecutingTask
from falaj.runner.runner import Runner

if TYPE_CHECKING:
    from falaj.client.runs import Run


class NBRunner:
    """Runs a flow that a cell of this notebook defines.

    The cell is written to a file in `base_dir`, which `nbrun`, `nbresume` and `cleanup` delete.
    """

    def __init__(
        self,
        flow: type,
        show_output: bool = True,
        profile: Optional[str] = None,
        env: Optional[Mapping[str, str]] = None,
        base_dir: Optional[str] = None,
        file_read_timeout: int = 3600,
        **kwargs: Any,
    ) -> None:
        """Prepare to run the class `flow` in the folder `base_dir`, else the current one.

        The other arguments are those of Runner. Raises NotebookFlowError where the cell alone
        can't be run, such as for names of other cells.
        """
        self._file = _CellFile(flow, base_dir, "Runner", self)
        self.flow_file = self._file.path
        self.runner: Runner = _CellRunner(
            self.flow_file,
            show_output=show_output,
            profile=profile,
            env=env,
            cwd=os.path.dirname(self.flow_file),
            file_read_timeout=file_read_timeout,
            **kwargs,
        )

    def nbrun(self, **kwargs: Any) -> Run:
        """Run the flow, wait for its end, clean up, and return the run. Raises as Runner.run."""
        try:
            return self.runner.run(**kwargs).run
        finally:
            self.cleanup()

    def nbresume(self, **kwargs: Any) -> Run:
        """Resume a run, wait for the end, clean up, and return the new run."""
        try:
            return self.runner.resume(**kwargs).run
        finally:
            self.cleanup()

    def run(self, **kwargs: Any) -> ExecutingRun:
        """Run the flow and wait for its end, as Runner.run does."""
        return self.runner.run(**kwargs)

    def resume(self, **kwargs: Any) -> ExecutingRun:
        """Resume a run and wait for the end, as Runner.resume does."""
        return self.runner.resume(**kwargs)

    def spin(self, pathspec: str, **kwargs: Any) -> ExecutingTask:
        """Run a single step again, as Runner.spin does."""
        return self.runner.spin(pathspec, **kwargs)

    async def async_run(self, **kwargs: Any) -> ExecutingRun:
        """Start a run, as Runner.async_run does."""
        return await self.runner.async_run(**kwargs)

    async def async_resume(self, **kwargs: Any) -> ExecutingRun:
        """Start to resume a run, as Runner.async_resume does."""
        return await self.runner.async_resume(**kwargs)

    async def async_spin(self, pathspec: str, **kwargs: Any) -> ExecutingTask:
        """Start a single step, as Runner.async_spin does."""
        return await self.runner.async_spin(pathspec, **kwargs)

    def cleanup(self) -> None:
        """Delete the flow's file and the output of what has ended."""
        self._file.delete()
        self.runner.cleanup()


class NBDeployer:
    """Deploys a flow that a cell of this notebook defines; else as Deployer."""

    def __init__(
        self,
        flow: type,
        show_output: bool = True,
        profile: Optional[str] = None,
        env: Optional[Mapping[str, str]] = None,
        base_dir: Optional[str] = None,
        file_read_timeout: int = 3600,
        **kwargs: Any,
    ) -> None:
        """Prepare to deploy the class `flow`; the arguments are those of NBRunner."""
        self._file = _CellFile(flow, base_dir, "Deployer", self)
        self.flow_file = self._file.path
        self.deployer = Deployer(
            self.flow_file,
            show_output=show_output,
            profile=profile,
            env=env,
            cwd=os.path.dirname(self.flow_file),
            file_read_timeout=file_read_timeout,
            **kwargs,
        )

    def __getattr__(self, name: str) -> Any:
        """Return what Deployer has under this name."""
        if name.startswith("_") or name == "deployer":
            raise AttributeError(name)
        return getattr(self.deployer, name)

    def cleanup(self) -> None:
        """Delete the flow's file."""
        self._file.delete()


class _CellRunner(Runner):
    _name = "NBRunner"


class _CellFile:
    """The file with a cell's flow, in the folder that its imports are looked for in."""

    def __init__(self, flow: Any, base_dir: Optional[str], instead: str, owner: object) -> None:
        text = flow_file_text(flow, instead)
        folder = os.path.abspath(os.path.expanduser(base_dir or os.getcwd()))
        number, self.path = tempfile.mkstemp(".py", flow.__name__ + "_", folder)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        # Whoever forgets to clean up, or whose notebook ends, leaves nothing behind.
        self._finalizer = weakref.finalize(owner, _delete, self.path, os.getpid())

    def delete(self) -> None:
        self._finalizer()


def _delete(path: str, owner: int) -> None:
    if os.getpid() != owner:
        return
    try:
        os.remove(path)
    except FileNotFoundError:
        # Deleted by hand.
        pass
