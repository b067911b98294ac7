"""Starts a program with posix_spawn."""

import os


def solve(x):
    child = os.posix_spawn("/bin/mkdir", ["mkdir", "@ROOT@/pwned"], {})
    os.waitpid(child, 0)
    return "BROKE OUT"
