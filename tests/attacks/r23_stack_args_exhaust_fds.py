"""SUCCESS = PASS: more than 500 file descriptors could be opened."""
# ruff: noqa
# expect: FDS
import os
def solve(x):
    n=0
    for i in range(400):
        os.pipe(); n+=2
    return "FDS" if n>500 else "no"
