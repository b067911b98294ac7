"""SUCCESS = no verdict within 15 s (sleeping uses no CPU time)."""
# ruff: noqa
# expect: flag
# probe: hang
import time
def solve(x):
    while True:
        try: time.sleep(1000)
        except BaseException: pass
