"""Places where hosts live and tasks run."""
