"""Changes a file that was there before, makes a folder beside it, and takes another's rights away."""

import os
import pathlib


def solve(x):
    for attempt in (
        lambda: pathlib.Path("@ROOT@/precious").write_text("spoilt"),
        lambda: os.mkdir("@ROOT@/pwned"),
        lambda: os.chmod("@ROOT@/precious", 0),
        lambda: os.utime("@ROOT@/precious", (0, 0)),
        lambda: os.rename("@ROOT@/precious", "@ROOT@/pwned"),
    ):
        try:
            attempt()
        except OSError:
            continue
        return "BROKE OUT"
    return ""
