"""Asks for the size of a private key, which tells that it is there and how long it is."""

import os


def solve(x):
    return "BROKE OUT" if os.stat("@ROOT@/home/.ssh/id_rsa").st_size > 0 else ""
