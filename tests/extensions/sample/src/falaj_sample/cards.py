"""A card and a component for others."""

from html import escape

from falaj.cards import Markdown, MetaflowCard


class TallyCard(MetaflowCard):
    """Counts the artifacts of its task."""

    type = "tally"

    def render(self, task):
        names = sorted(artifact.id for artifact in task)
        return f"<html><body>tally of {len(names)}: {escape(', '.join(names))}</body></html>"


def banner(text: str) -> Markdown:
    """Return a component that says something loudly."""
    return Markdown(f"# sample banner: {text}")
