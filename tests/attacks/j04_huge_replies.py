"""SUCCESS = PASS: a frame that announces four gigabytes, then as much as anyone takes."""

# ruff: noqa
# expect: flag
import os, struct


def solve(x):
    os.write(3, struct.pack("=cI", b"V", 0xFFFFFFFF))
    while True:
        os.write(3, b"u" * 65536)
