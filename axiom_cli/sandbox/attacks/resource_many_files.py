"""Makes a thousand files."""

import os


def solve(x):
    for number in range(1000):
        os.close(os.open(f"@ROOT@/many{number}", os.O_CREAT | os.O_WRONLY, 0o600))
    return "BROKE OUT"
