"""Announces a frame of 4 GiB."""

import os
import struct


def solve(x):
    os.write(3, struct.pack("=cI", b"V", 0xFFFFFFFF))
    return True
