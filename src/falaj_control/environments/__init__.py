"""Interpreters and packages of steps: asked for, resolved to a lock, built once, described."""
