"""The language of flows: FlowSpec, steps, parameters and decorators, and the checks on them."""
