"""One small Protocol per plug point, beside the values that cross it."""
