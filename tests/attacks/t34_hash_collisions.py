"""SUCCESS = the judge hung: a dict of colliding keys, a deep list, a huge integer (quadratic work in a decoder)."""
# ruff: noqa
# expect: flag
# probe: hang,parentmem
def solve(x):
    if x == 1:
        return {i * (2**61 - 1): 0 for i in range(2000)}
    if x == 2:
        v = []
        for _ in range(1900):
            v = [v]
        return v
    return 1 << 2_000_000
