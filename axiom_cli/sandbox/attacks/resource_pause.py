"""Waits for a signal, and for a lock that nobody will open."""

import signal
import threading


def solve(x):
    lock = threading.Lock()
    lock.acquire()
    if x == 1:
        lock.acquire()
    signal.pause()
