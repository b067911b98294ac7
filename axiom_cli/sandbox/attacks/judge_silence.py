"""Closes its socket and stays, so that the tests wait or give up."""

import os
import time


def solve(x):
    os.close(3)
    time.sleep(3600)
