"""Looks for a descriptor that it should not have inherited."""

import os


def solve(x):
    for number in range(4, 1024):
        try:
            os.fstat(number)
        except OSError:
            continue
        return "BROKE OUT"
    return ""
