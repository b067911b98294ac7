"""Kills another process of the same user."""

import os
import signal


def solve(x):
    os.kill(int("@VICTIM@"), signal.SIGKILL)
    return "BROKE OUT"
