"""The command line: one file per command, and what they share to read arguments and to draw."""
