"""SUCCESS = PASS: SystemExit(0) raised while solving."""
# ruff: noqa
# expect: flag
def solve(x):
    raise SystemExit(0)
