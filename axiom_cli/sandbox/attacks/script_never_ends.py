"""Ends, but for what it has registered to be run at its end, which never does."""

import atexit
import threading
import time


class Stays:
    def __del__(self):
        while True:
            time.sleep(1)


def stay():
    while True:
        pass


kept = Stays()
x = int(input())
if x == 1:
    atexit.register(stay)
elif x == 2:
    threading.Thread(target=stay).start()
print("done")
