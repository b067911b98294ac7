"""Leaves threads behind that write to its output, while its main thread has ended or waits for them for ever."""

import os
import threading
import time


def write():
    end = time.monotonic() + 5
    while time.monotonic() < end:
        os.write(1, b"BROKE OUT\n")
        time.sleep(0.001)


if int(input()) == 1:
    print("not this one", flush=True)
    threading.Thread(target=write, daemon=True).start()
    os._exit(0)
threading.Thread(target=time.sleep, args=(600,)).start()
