"""Pure: which tasks must run, which can be reused, and the reason for each."""
