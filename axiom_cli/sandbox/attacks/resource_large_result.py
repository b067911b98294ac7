"""Returns a hundred megabytes."""


def solve(x):
    return b"x" * 100_000_000
