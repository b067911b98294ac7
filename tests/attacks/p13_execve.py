"""SUCCESS = ROOT/pwned appears: exec of a shell in the place of the program."""
# ruff: noqa
# expect: flag
# probe: file:pwned
import os

try:
    os.execv("/bin/sh", ["sh", "-c", "mkdir @@ROOT@@/pwned"])
except OSError:
    pass


def solve(x):
    return 0
