"""Sleeps for ever, which takes no processor time."""

import time


def solve(x):
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            continue
