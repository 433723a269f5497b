"""The types of cards that Falaj brings."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, List

from falaj.cards.card import MetaflowCard
from falaj.cards.document import render_document
from falaj.cards.plain import plain, text_of
from falaj.cards.taskpage import brief_facts, head_facts, task_sections


class _ComponentCard(MetaflowCard):
    ALLOW_USER_COMPONENTS = True
    RUNTIME_UPDATABLE = True
    RELOAD_POLICY = MetaflowCard.RELOAD_POLICY_ONCHANGE

    def render_runtime(self, task: Any, data: Any) -> str:
        """Return the page of a task that runs."""
        return self.render(task)

    def refresh(self, task: Any, data: Any) -> Any:
        """Return the components as they are now, with the data of the task."""
        return {"components": plain(self.components), "data": plain(data)}

    def reload_content_token(self, task: Any, data: Any) -> str:
        """Return a text that changes with the components and when the task has ended."""
        if task.finished:
            return "final"
        text = json.dumps(plain(self.components), sort_keys=True)
        return "runtime-" + hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


class DefaultCard(_ComponentCard):
    """All that is known of a task: components, artifacts, code, environment, times, logs."""

    type = "default"

    def render(self, task: Any) -> str:
        """Return the page."""
        sections = task_sections(task, self.options)
        return render_document(_title(task, self.options), self._all(sections), head_facts(task))

    def _all(self, sections: List[Dict[str, Any]]) -> List[Any]:
        return [*self.components, *sections]


class BlankCard(_ComponentCard):
    """The task's components and nothing else; the option `title` gives the page its title."""

    type = "blank"

    def render(self, task: Any) -> str:
        """Return the page."""
        title = _title(task, self.options)
        return render_document(title, self.components, brief_facts(task))


class DefaultCardJSON(_ComponentCard):
    """What the default card shows, as JSON."""

    type = "default_json"

    def render(self, task: Any) -> str:
        """Return the title, the facts and the components as JSON."""
        described = {
            "title": _title(task, self.options),
            "facts": head_facts(task),
            "components": [*self.components, *task_sections(task, self.options)],
        }
        return json.dumps(plain(described), ensure_ascii=False)


class ErrorCard(MetaflowCard):
    """Stands for a card that could not be rendered: why, and what the task had appended.

    Options are `error_stack_trace` (text) and `title`.
    """

    type = "error"

    def render(self, task: Any, stack_trace: Any = None) -> str:
        """Return the page; `stack_trace` takes the place of the option."""
        trace = text_of(stack_trace or self.options.get("error_stack_trace") or "")
        lines = trace.strip().splitlines()
        problem = {
            "type": "error",
            "title": "This card could not be rendered",
            "message": lines[-1] if lines else "Nothing is known of the reason.",
            "traceback": trace if len(lines) > 1 else None,
        }
        title = _title(task, self.options)
        return render_document(title, [problem, *self.components], brief_facts(task))


class TaskSpecCard(MetaflowCard):
    """The path of the task, as it is."""

    type = "taskspec_card"

    def render(self, task: Any) -> str:
        """Return the path."""
        return str(task.pathspec)


def _title(task: Any, options: Dict[str, Any]) -> str:
    title = options.get("title")
    return text_of(title) if title else str(task.pathspec).split("/")[2]
