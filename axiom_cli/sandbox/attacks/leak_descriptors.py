"""Looks for a descriptor that it should not have inherited."""

import os


def solve(x):
    for number in range(4, 4096):
        try:
            os.get_inheritable(number)
        except OSError:
            continue
        return "BROKE OUT"
    return ""
