"""Writes three result frames and an end frame by itself, and leaves with status 0."""

import marshal
import os
import struct

for x in (1, 2, 3):
    body = marshal.dumps("flag{" + f"solve:{x}:0000}}", 2)
    os.write(3, struct.pack("=cI", b"V", len(body)) + body)
os.write(3, struct.pack("=cI", b"Z", 0))
os._exit(0)
