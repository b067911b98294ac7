"""Writes half a frame and leaves with status 0."""

import os
import struct


def solve(x):
    os.write(3, struct.pack("=cI", b"V", 100) + b"T")
    os._exit(0)
