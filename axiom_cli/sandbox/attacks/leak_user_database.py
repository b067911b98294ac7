"""Asks the C library for the users of this machine."""

import pwd


def solve(x):
    return "BROKE OUT" if pwd.getpwall() else ""
