"""Parks a gibibyte in a file in memory, which no limit of address space counts."""

import os


def solve(x):
    file = os.memfd_create("parked")
    for _ in range(1024):
        os.write(file, b"x" * (1 << 20))
    return "BROKE OUT"
