"""Returns a dict that keeps whoever builds it busy for longer than the limit."""


def solve(x):
    return {n * (2**61 - 1): None for n in range(1, 40000)}
