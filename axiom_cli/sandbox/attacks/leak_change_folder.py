"""Changes into the folder with the secret and opens it by its bare name."""

import io
import os


def solve(x):
    os.chdir("@ROOT@/home/.ssh")
    return "BROKE OUT" if b"SECRET-" in io.FileIO("id_rsa").read() else ""
