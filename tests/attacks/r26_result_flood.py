"""SUCCESS = the judge grew past 400 MB or hung: the result itself is huge, and raw bytes are poured into its socket."""
# ruff: noqa
# expect: flag
# probe: hang,parentmem
import os


def solve(x):
    while True:
        os.write(3, b"x" * (1 << 20))
