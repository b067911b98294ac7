"""The strategies of `axiom solve`, a file each, and what they decide by."""
