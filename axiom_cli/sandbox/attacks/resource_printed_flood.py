"""Prints hundreds of megabytes."""

import os


def solve(x):
    block = b"x" * (1 << 20)
    for _ in range(100):
        os.write(1, block)
        print("y" * 100_000)
    return 0
