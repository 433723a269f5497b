"""A second place for the blobs of runs: which one, and how they get there."""
