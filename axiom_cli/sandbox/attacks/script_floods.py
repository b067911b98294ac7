"""Pours bytes without end into descriptors 0 to 3, at their end and far beyond it, after lifting the limit on files."""

import contextlib
import os
import resource

with contextlib.suppress(OSError, ValueError):
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
block = b"x" * (1 << 20)
for number in (3, 0, 2, 1):
    with contextlib.suppress(OSError):
        os.lseek(number, 1 << 40, os.SEEK_SET)
        os.write(number, b"far")
    with contextlib.suppress(OSError):
        for _ in range(300):
            os.write(number, block)
