"""SUCCESS = PASS: the socket is closed and the program stays, so that the tests wait or give up."""

# ruff: noqa
# expect: flag
import os, time


def solve(x):
    os.close(3)
    time.sleep(3600)
