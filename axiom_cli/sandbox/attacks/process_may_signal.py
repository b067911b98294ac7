"""Asks whether it may signal its group, everybody, or anyone at all; sends nothing."""

import os


def solve(x):
    for target in (0, -1, os.getppid(), *range(1, 50)):
        if target == os.getpid():
            continue
        try:
            os.kill(target, 0)
        except OSError:
            continue
        return "BROKE OUT"
    return ""
