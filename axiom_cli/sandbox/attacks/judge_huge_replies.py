"""Announces a reply of four gigabytes, then sends as much as anyone takes."""

import os
import struct


def solve(x):
    os.write(3, struct.pack("=cI", b"V", 0xFFFFFFFF))
    while True:
        os.write(3, b"u" * 65536)
