"""Becomes a shell."""

import os


def solve(x):
    os.execv("/bin/sh", ["sh", "-c", "mkdir @ROOT@/pwned"])
