"""The database of flows, runs, steps, tasks, attempts and events."""
