"""Reads the arguments of the process, in case a secret or a path stands among them."""

import sys


def solve(x):
    words = [*sys.argv, *getattr(sys, "orig_argv", ())]
    return "BROKE OUT" if any("SECRET-" in word or "@ROOT@" in word for word in words) else ""
