"""The types of cards that need no code of the user's, told without loading any card."""

from __future__ import annotations

# Rendered wherever Falaj is, from records and components alone.
BUILT_IN = frozenset(("default", "blank", "default_json", "error", "taskspec_card"))
# Those of them that take components from the step, and show them while it runs.
EDITABLE = frozenset(("default", "blank", "default_json"))
