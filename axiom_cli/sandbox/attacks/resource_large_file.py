"""Writes a file of two megabytes."""

import os


def solve(x):
    for folder in ("@ROOT@", ".", "/tmp"):
        place = f"{folder}/axiom-attack-{os.getpid()}"
        try:
            with open(place, "wb") as file:
                file.write(b"x" * (2 << 20))
            os.unlink(place)
        except OSError:
            continue
        return "BROKE OUT"
    return ""
