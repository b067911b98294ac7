"""Reads /etc/passwd."""

import io


def solve(x):
    return "BROKE OUT" if b"root:" in io.FileIO("/etc/passwd").read() else ""
