"""Problem families. To add one: a file here, and a line in BUILT_IN."""
