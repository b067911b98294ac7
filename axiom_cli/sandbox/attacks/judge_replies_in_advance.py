"""Sends replies to every call before any is made, then an end and a good status."""

import marshal
import os
import struct


def frame(kind, value=None):
    body = b"" if value is None else marshal.dumps(value, 2)
    return struct.pack("=cI", kind, len(body)) + body


for _ in range(20):
    os.write(3, frame(b"V", []) + frame(b"V", True) + frame(b"S") + frame(b"Z"))
os._exit(0)
