"""Pours bytes without end into the descriptor of its results."""

import os


def solve(x):
    while True:
        os.write(3, b"x" * (1 << 20))
