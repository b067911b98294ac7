"""Lists the root of the file system and a home folder."""

import os


def solve(x):
    return "BROKE OUT" if "etc" in os.listdir("/") or ".ssh" in os.listdir("@ROOT@/home") else ""
