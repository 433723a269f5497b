"""Kinds of cards."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

from falaj.cards.component import Rendered
from falaj.cards.document import render_document


class MetaflowCard:
    """A kind of page that a task leaves; subclasses say how it is made."""

    type = ""
    ALLOW_USER_COMPONENTS = False
    RUNTIME_UPDATABLE = False
    RELOAD_POLICY_NEVER = "never"
    RELOAD_POLICY_ALWAYS = "always"
    RELOAD_POLICY_ONCHANGE = "onchange"
    # Stands in a page for the token that says which content it shows.
    RELOAD_POLICY_TOKEN = "[METAFLOW_RELOAD_TOKEN]"
    RELOAD_POLICY = RELOAD_POLICY_NEVER

    def __init__(
        self,
        options: Optional[Mapping[str, Any]] = None,
        components: Sequence[Rendered] = (),
        graph: Any = None,
        flow: Any = None,
    ) -> None:
        """Take what the decorator and the step have given."""
        self.options, self.components = options or {}, components
        self.graph, self.flow = graph, flow

    def render(self, task: Any) -> str:
        """Return the page of a finished task."""
        return render_document(task.pathspec, list(self.components), {})

    def render_runtime(self, task: Any, data: Any) -> str:
        """Return the page of a running task."""
        return self.render(task)

    def refresh(self, task: Any, data: Any) -> Any:
        """Return the data of a page that is open already."""
        return None

    def reload_content_token(self, task: Any, data: Any) -> Optional[str]:
        """Return what differs once an open page has to be loaded again."""
        return None
