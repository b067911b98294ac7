"""Fails in its main thread while another one ends the process with status 0."""

import os
import threading
import time


def leave():
    time.sleep(0.05)
    os._exit(0)


threading.Thread(target=leave, daemon=True).start()
print("flag{solve:1:0000000000000000}", flush=True)
time.sleep(0.1)
raise ValueError
