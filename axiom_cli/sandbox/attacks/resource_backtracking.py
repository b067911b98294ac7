"""Matches a regular expression that takes exponential time, in C code that looks at no signal."""

import re


def solve(x):
    return re.match(r"(a|a)*$", "a" * 64 + "b")
