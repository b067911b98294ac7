"""Starts a shell with subprocess."""

import subprocess


def solve(x):
    subprocess.run(["/bin/sh", "-c", "mkdir @ROOT@/pwned"], timeout=1)
    return "BROKE OUT"
