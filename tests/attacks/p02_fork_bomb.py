"""SUCCESS = PASS: more than 20 children alive at once (stops at 60)."""
# ruff: noqa
# expect: BOMB
import posix,time,os
def solve(x):
    n=0
    for i in range(60):
        p=posix.fork()
        if p==0:
            time.sleep(3); os._exit(0)
        n+=1
    return "BOMB" if n>20 else "no"
