"""Forks sixty children that stay a while."""

import os
import time


def solve(x):
    made = 0
    for _ in range(60):
        if os.fork() == 0:
            time.sleep(2)
            os._exit(0)
        made += 1
    return "BROKE OUT" if made > 20 else ""
