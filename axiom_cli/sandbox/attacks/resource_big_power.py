"""Raises a number to a power that takes hours, in one C call."""


def solve(x):
    return 7 ** (10**9) % 10
