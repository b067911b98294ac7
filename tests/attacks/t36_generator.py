"""SUCCESS = PASS: values that are no plain data (generator, code, bytes, set, itself)."""
# ruff: noqa
# expect: flag
def solve(x):
    a = []
    a.append(a)
    return [a, (i for i in [1]), solve.__code__][x - 1]
