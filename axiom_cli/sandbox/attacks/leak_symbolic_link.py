"""Reads a private key through a symbolic link of its own."""

import io
import os


def solve(x):
    link = f"@ROOT@/link{x}"
    os.symlink("@ROOT@/home/.ssh/id_rsa", link)
    return "BROKE OUT" if b"SECRET-" in io.FileIO(link).read() else ""
