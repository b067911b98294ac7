"""SUCCESS = no verdict within 15 s."""
# ruff: noqa
# expect: flag
# probe: hang
def solve(x):
    while True: pass
