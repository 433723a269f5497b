"""The loops around plan and lifecycle that carry a run from start to end."""
