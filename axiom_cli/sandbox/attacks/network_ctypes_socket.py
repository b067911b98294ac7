"""Connects by TCP with socket and connect of the C library."""

import ctypes
import struct


def solve(x):
    libc = ctypes.CDLL(None)
    line = libc.socket(2, 1, 0)
    address = struct.pack("=H", 2) + struct.pack("!H", int("@TCP@")) + bytes([127, 0, 0, 1]) + bytes(8)
    connected = line >= 0 and libc.connect(line, address, 16) == 0
    return "BROKE OUT" if connected and libc.write(line, b"taken", 5) == 5 else ""
