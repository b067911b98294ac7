"""Forks."""

import os
import posix


def solve(x):
    for fork in (os.fork, posix.fork):
        try:
            child = fork()
        except OSError:
            continue
        if child == 0:
            os._exit(0)
        return "BROKE OUT"
    return ""
