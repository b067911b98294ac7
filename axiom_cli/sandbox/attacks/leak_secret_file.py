"""Reads a private key through every door to files that Python has."""

import io
import os
import pathlib
import posix

PLACE = "@ROOT@/home/.ssh/id_rsa"


def by_number():
    return os.read(posix.open(PLACE, os.O_RDONLY), 100)


def as_code():
    with io.open_code(PLACE) as file:
        return file.read()


def solve(x):
    for door in (pathlib.Path(PLACE).read_bytes, io.FileIO, as_code, by_number):
        try:
            if b"SECRET-" in (door(PLACE).read() if door is io.FileIO else door()):
                return "BROKE OUT"
        except OSError:
            continue
    return ""
