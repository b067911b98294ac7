"""Reads a private key with open and read of the C library."""

import ctypes


def solve(x):
    libc, copy = ctypes.CDLL(None), ctypes.create_string_buffer(100)
    libc.read(libc.open(b"@ROOT@/home/.ssh/id_rsa", 0), copy, 100)
    return "BROKE OUT" if b"SECRET-" in copy.raw else ""
