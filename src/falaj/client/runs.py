"""Run: one execution of a flow, with its steps, results, code and tags."""

from __future__ import annotations

from functools import partial
from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Union,
)

from falaj.client.access import Access, RunFacts
from falaj.client.artifacts import ArtifactData, public_names
from falaj.client.code import FalajCode, code_of
from falaj.client.environments import environment_rows, run_environment
from falaj.client.html import Row
from falaj.client.measured import Measured
from falaj.client.objects import ClientObject, moment, title
from falaj.client.parameters import RunParameters
from falaj.client.resolve import find_run, no_step
from falaj.client.steps import Step, steps_of
from falaj.client.tasks import Task, task_from
from falaj.client.triggers import Trigger
from falaj.model import states

if TYPE_CHECKING:
    from datetime import datetime

    from falaj.client.tagging import Tag

_Tags = Union["Tag", Iterable["Tag"]]


class Run(Measured, ClientObject):
    """One execution of a flow: `Run("GenreStats/412")`, also written `GenreStats/#412`."""

    _FORM = "Run('FlowName/RunID')"

    _facts: RunFacts

    @classmethod
    def _from(cls, facts: RunFacts) -> Run:
        made = cls.__new__(cls)
        made._access, made._facts, made._parts = facts.access, facts, facts.parts
        return made

    def _load(self) -> None:
        flow, run = self._parts
        self._facts = find_run(self._access, flow, run)
        self._parts = self._facts.parts

    def _run_facts(self) -> RunFacts:
        return self._facts

    def _child(self, name: str) -> Optional[Step]:
        return next((step for step in steps_of(self._facts) if step.id == name), None)

    def _children(self) -> Iterator[Step]:
        return iter(steps_of(self._facts))

    def _no_child(self, name: str) -> str:
        return no_step(self._facts, name)

    def __iter__(self) -> Iterator[Step]:
        return self._children()

    def __len__(self) -> int:
        return len(steps_of(self._facts))

    def __getitem__(self, name: str) -> Step:
        return super().__getitem__(name)

    def steps(self, *tags: str) -> Iterator[Step]:
        """Yield the steps that have begun, newest first; none where the run lacks one of `tags`."""
        if tags and not self.tags.issuperset(tags):
            return iter(())
        return self._children()

    @property
    def state(self) -> str:
        """One of running, succeeded, tolerated (succeeded with tolerated failures), failed,
        cancelled, lost (its process is gone)."""
        return self._facts.record.state

    @property
    def reason(self) -> str:
        """Why the run is in its state."""
        return self._facts.record.reason

    @property
    def successful(self) -> bool:
        """Whether the run succeeded; declared failures are tolerated."""
        return self.state in states.RUN_SUCCESSFUL

    @property
    def finished(self) -> bool:
        """Whether the run has ended, well or badly."""
        return self.state in states.RUN_FINAL

    @property
    def finished_at(self) -> Optional[datetime]:
        """When it ended, in local time; for a lost run, when it was last heard of."""
        return moment(self._facts.record.finished_at)

    def _began(self) -> float:
        return self._facts.record.created_at

    @property
    def end_task(self) -> Optional[Task]:
        """The task of the flow's last step; None before that has begun."""
        records = self._access.reader.tasks(self._facts.id, self._facts.end)
        return task_from(self._facts, records[-1]) if records else None

    @property
    def data(self) -> Optional[ArtifactData]:
        """The values of the last step's artifacts as attributes; None before it has begun."""
        task = self.end_task
        return None if task is None else task.data

    @property
    def parameters(self) -> RunParameters:
        """The values of the run's parameters as attributes, however the run ended."""
        return RunParameters(self._facts)

    @property
    def code(self) -> Optional[FalajCode]:
        """The code that the run was started with; None where it was not kept."""
        return code_of(self._facts)

    @property
    def environment_info(self) -> Optional[Dict[str, Any]]:
        """What it was launched in, as `Task.environment_info` has it; None until that is known."""
        return run_environment(self._facts)

    @property
    def origin_pathspec(self) -> Optional[str]:
        """The path of the run that this one resumed, or of the run that was spun."""
        spun = self._facts.spun
        if spun is not None:
            return "/".join(spun.split("/")[:2])
        origin = self._facts.record.origin
        return None if origin is None else "{}/{}".format(self._parts[0], origin)

    @property
    def trigger(self) -> Optional[Trigger]:
        """What started the run; None where a person did."""
        events = self._facts.record.trigger
        return trigger_of(events, self._access.home.root) if events else None

    @property
    def exit_hooks_log(self) -> str:
        """What the run's exit hooks have printed, and how they failed; empty where none ran."""
        # Imported here: few runs have hooks, and fewer are asked.
        from falaj.client.logs import read_log

        lines = read_log(self._access.home.hooks_log(self._facts.id))
        return "".join(line.text.decode("utf-8", "replace") + "\n" for line in lines)

    def add_tag(self, tag: _Tags) -> None:
        """Add a tag (or several); one that is a system tag already is left as it is."""
        self.replace_tags((), tag)

    def add_tags(self, tags: _Tags) -> None:
        """Add several tags at once."""
        self.replace_tags((), tags)

    def remove_tag(self, tag: _Tags) -> None:
        """Remove a tag (or several); raises TaggingError for a system tag."""
        self.replace_tags(tag, ())

    def remove_tags(self, tags: _Tags) -> None:
        """Remove several tags at once, all or, where one is a system tag, none."""
        self.replace_tags(tags, ())

    def replace_tag(self, tag_to_remove: _Tags, tag_to_add: _Tags) -> None:
        """Remove one tag and add another in one change."""
        self.replace_tags(tag_to_remove, tag_to_add)

    def replace_tags(self, tags_to_remove: _Tags, tags_to_add: _Tags) -> None:
        """Remove tags, then add others, in one change; all of it happens or none.

        Raises TaggingError for a system tag to remove, a tag that is empty or too long, more
        tags than a run may have, or nothing to change.
        """
        # Imported here because it loads SQLite, which `import falaj` must not.
        from falaj.client.tagging import change_tags

        change_tags(self._access.home, self._facts.id, tags_to_remove, tags_to_add)

    def _status(self) -> str:
        return title(self.state)

    def _html_rows(self) -> List[Row]:
        record = self._facts.record
        rows = [
            ("status", title(record.state)),
            ("reason", record.reason),
            ("started", str(moment(record.created_at))),
            ("finished", str(moment(record.finished_at) or "")),
            ("by", record.user),
            ("tags", ", ".join(sorted(self.user_tags))),
        ]
        rows += environment_rows(self.environment_info)
        end = self.end_task
        if end is not None:
            names = public_names(end._facts)  # pyright: ignore[reportPrivateUsage]
            rows.append(("data", ", ".join(names)))
        return rows


def run_from(facts: RunFacts) -> Run:
    """Return the run object of a record that was just read."""
    return Run._from(facts)  # pyright: ignore[reportPrivateUsage]


def trigger_of(events: Sequence[Mapping[str, Any]], root: Optional[str] = None) -> Trigger:
    """Return the trigger that recorded events are, in the home at `root` or this process's."""
    return Trigger(events, partial(_open, root))


def _open(root: Optional[str], path: str) -> Run:
    # What started a run may belong to somebody else, and is no less readable for that.
    flow, _, run = path.partition("/")
    return run_from(find_run(Access(root, None), flow, run))
