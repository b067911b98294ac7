"""SUCCESS = the harness parent grew past 400 MB or hung (300 MB written to fd 1)."""
# ruff: noqa
# expect: flag
# probe: hang,parentmem
import os
b=b"x"*(1<<20)
def solve(x):
    for i in range(100):
        os.write(1,b); print("y"*100000)
    return 0
