"""The base class of cards: what a type of card is and can do."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, List, Mapping, Optional, Sequence


class MetaflowCard:
    """A type of card; a subclass has a `type` and makes a page of HTML in `render(task)`.

    `components` are the components that the task appended, each as its `render()` gave it.
    """

    type: ClassVar[Optional[str]] = None

    RELOAD_POLICY_NEVER: ClassVar[str] = "never"
    RELOAD_POLICY_ALWAYS: ClassVar[str] = "always"
    RELOAD_POLICY_ONCHANGE: ClassVar[str] = "onchange"
    # Stands in a page for the token that says which content it shows.
    RELOAD_POLICY_TOKEN: ClassVar[str] = "[METAFLOW_RELOAD_TOKEN]"

    ALLOW_USER_COMPONENTS: ClassVar[bool] = False
    RUNTIME_UPDATABLE: ClassVar[bool] = False
    RELOAD_POLICY: ClassVar[str] = RELOAD_POLICY_NEVER

    def __init__(
        self,
        options: Optional[Mapping[str, Any]] = None,
        components: Optional[Sequence[Any]] = None,
        graph: Optional[Mapping[str, Any]] = None,
        flow: Any = None,
    ) -> None:
        """Take the options of `@card`, the components of the task and the flow's graph."""
        self.options: Dict[str, Any] = dict(options or {})
        self.components: List[Any] = list(components or ())
        self.graph = graph
        self.flow = flow

    def render(self, task: Any) -> str:
        """Return the page of a finished task, as HTML."""
        raise NotImplementedError(
            "{} has no render(task): it returns the page as a string of HTML.".format(
                type(self).__name__
            )
        )

    def render_runtime(self, task: Any, data: Any) -> str:
        """Return the page of a task that runs; `data` is what it passed to refresh."""
        raise NotImplementedError(
            "{} has no render_runtime(task, data).".format(type(self).__name__)
        )

    def refresh(self, task: Any, data: Any) -> Any:
        """Return what a page that is open needs to show `data`, as JSON values."""
        raise NotImplementedError("{} has no refresh(task, data).".format(type(self).__name__))

    def reload_content_token(self, task: Any, data: Any) -> str:
        """Return a text that changes when an open page has to be loaded anew."""
        return "content-token"
