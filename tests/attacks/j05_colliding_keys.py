"""SUCCESS = PASS: a dict that keeps whoever builds it busy for longer than the limit, hoping for mercy."""
# ruff: noqa
# expect: flag


def solve(x):
    return {n * (2**61 - 1): None for n in range(1, 40000)}
