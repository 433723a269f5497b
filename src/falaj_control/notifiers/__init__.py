"""Telling others that a run has ended: each notifier in a process of its own."""
