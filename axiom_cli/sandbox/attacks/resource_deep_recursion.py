"""Overflows the C stack by recursion through sorted."""

import sys

sys.setrecursionlimit(10**9)


def solve(x):
    def deeper(n):
        return sorted([1], key=lambda _: deeper(n + 1))

    return deeper(0)
