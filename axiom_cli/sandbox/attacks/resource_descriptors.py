"""Opens hundreds of descriptors."""

import os


def solve(x):
    for _ in range(300):
        os.pipe()
    return "BROKE OUT"
