"""Changes its user, its group or its root."""

import os


def solve(x):
    for attempt in (lambda: os.setuid(1), lambda: os.setgid(1), lambda: os.chroot("/"), lambda: os.setsid()):
        try:
            attempt()
        except OSError:
            continue
        return "BROKE OUT"
    return ""
