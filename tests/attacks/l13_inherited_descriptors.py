"""SUCCESS = PASS: a descriptor other than the standard ones and the job's socket was inherited."""
# ruff: noqa
# expect: LEAK
import os


def solve(x):
    for n in range(4, 1024):
        try:
            os.fstat(n)
        except OSError:
            continue
        return "LEAK"
    return "no"
