"""What runs, steps and tasks tell of the figures that were logged in them, and of their cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

if TYPE_CHECKING:
    from falaj.client.access import RunFacts
    from falaj.client.figures import Scope
    from falaj.client.metrics import Metrics
    from falaj.client.profiles import Profile
    from falaj.client.taskfacts import TaskFacts


class Measured:
    """A run, or a part of it, in which metrics and parameters may have been logged."""

    def _run_facts(self) -> Any:
        raise NotImplementedError

    def _scope(self) -> Scope:
        """Return what part of the run this is."""
        # Imported here because `import falaj` must not pay for it.
        from falaj.client.figures import Scope

        return Scope(self._run_facts().id)

    @property
    def metrics(self) -> Metrics:
        """What was logged with `current.log_metric`, by name; of each task its last attempt's."""
        # Imported here because `import falaj` must not pay for it.
        from falaj.client.metrics import Metrics

        return Metrics(self._run_facts(), self._scope())

    @property
    def logged_params(self) -> Dict[str, Any]:
        """What was logged with `current.log_param`, by name; the latest value of each."""
        # Imported here because `import falaj` must not pay for it.
        from falaj.client.figures import logged_params

        run: RunFacts = self._run_facts()
        return logged_params(run.access.reader, [run.id], self._scope())[run.id]


class MeasuredStep(Measured):
    """A step, of which only its own tasks count."""

    _parts: Tuple[str, ...]

    def _scope(self) -> Scope:
        return super()._scope()._replace(step=self._parts[-1])


class MeasuredTask(Measured):
    """A task, or one attempt of it, with what its processes have used."""

    _facts: TaskFacts

    def _scope(self) -> Scope:
        record = self._facts.record
        return super()._scope()._replace(task=record.id, attempt=self._facts.attempt)

    @property
    def profile(self) -> Optional[Profile]:
        """What the current attempt has used of the machine; None until it has ended."""
        # Imported here because `import falaj` must not pay for it.
        from falaj.client.profiles import profile_of

        return profile_of(self._facts)
