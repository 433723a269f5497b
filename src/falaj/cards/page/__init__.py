"""Components, given as JSON values, as HTML."""
