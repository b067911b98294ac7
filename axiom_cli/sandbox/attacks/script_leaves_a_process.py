"""Leaves a process behind that writes to the output of the tests after it, and one that holds its own open."""

import contextlib
import os
import time

for seconds in (0, 600):
    with contextlib.suppress(OSError):
        if os.fork() == 0:
            with contextlib.suppress(OSError):
                os.setsid()
            if seconds == 0 and os.fork():
                os._exit(0)
            end = time.monotonic() + 5
            while time.monotonic() < end and not seconds:
                os.write(1, b"BROKE OUT\n")
                time.sleep(0.001)
            time.sleep(seconds)
            os._exit(0)
time.sleep(0.02)
os._exit(0)
