"""Closes its descriptors, puts them in each other's places, and ends well in one of several ways."""

import os
import sys

x = int(input())
if x == 1:
    os.closerange(0, 64)
    os._exit(0)
for number in (0, 1, 2, 3):
    for place in (0, 1, 2, 3, 9):
        try:
            os.dup2(number, place)
        except OSError:
            continue
if x == 2:
    sys.stdout = sys.stderr = sys.__stdout__ = None
else:
    os.close(1)
    sys.exit(0)
