"""SUCCESS = the judge hung or grew: a frame that announces 4 GiB."""
# ruff: noqa
# expect: flag
# probe: hang,parentmem
import os, struct


def solve(x):
    os.write(3, struct.pack("=cI", b"V", 0xFFFFFFFF))
    return True
