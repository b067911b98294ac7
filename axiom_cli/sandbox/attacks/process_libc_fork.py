"""Forks with fork and vfork of the C library."""

import ctypes
import os


def solve(x):
    child = ctypes.CDLL(None).fork()
    if child == 0:
        os._exit(0)
    return "BROKE OUT" if child > 0 else ""
