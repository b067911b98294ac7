"""Writes damaged and recursive marshal data as results: references, code objects, sizes below zero."""

import os
import struct

BODIES = (b"\xdb\x01\0\0\0r\0\0\0\0", b"(\xff\xff\xff\xff", b"c" + b"\0" * 40)


def solve(x):
    os.write(3, struct.pack("=cI", b"V", len(BODIES[x - 1])) + BODIES[x - 1])
    return True
