"""Reads the command lines of other processes."""

import io
import os


def solve(x):
    for name in os.listdir("/proc"):
        try:
            if b"axiom-attack-victim" in io.FileIO(f"/proc/{int(name)}/cmdline").read():
                return "BROKE OUT"
        except (OSError, ValueError):
            continue
    return ""
