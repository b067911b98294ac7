"""Loads a library of machine code into itself."""

import ctypes


def solve(x):
    ctypes.CDLL("libutil.so.1")
    return "BROKE OUT"
