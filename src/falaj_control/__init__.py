"""The side that orchestrates: plans, runs, records and shows flows; it never imports user code."""
