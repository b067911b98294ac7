"""SUCCESS = PASS: many frames, so that some of them might be taken for the right ones."""
# ruff: noqa
# expect: flag
import os, struct


def solve(x):
    for _ in range(2000):
        os.write(3, struct.pack("=cI", b"V", 1) + b"T")
    os.write(3, struct.pack("=cI", b"Z", 0))
    return True
