"""Maps two gibibytes of shared memory without a file."""

import mmap


def solve(x):
    block = mmap.mmap(-1, 2 << 30)
    block[::4096] = b"x" * len(block[::4096])
    return "BROKE OUT"
