"""A module that leaves the interpreter."""

raise SystemExit(3)
