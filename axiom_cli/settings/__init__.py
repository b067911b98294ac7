"""What can be set: defaults, where a value came from, and command-line options."""
