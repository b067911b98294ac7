"""Leaves a mark in every descriptor that it has, and prints the marks that an earlier test has left."""

import os

for number in range(64):
    try:
        os.lseek(number, 0, os.SEEK_SET)
        found = os.read(number, 100)
    except OSError:
        continue
    if b"BROKE" in found:
        print("BROKE OUT")
        raise SystemExit
for number in (0, 1, 2, 3, *range(4, 64)):
    try:
        os.lseek(number, 0, os.SEEK_SET)
        os.write(number, b"BROKE OUT\n" * (number != 1))
    except OSError:
        continue
