"""SUCCESS = PASS: 1 GiB was parked in a memfd (not counted by RLIMIT_AS)."""
# ruff: noqa
# expect: ALLOCATED
import os
def go():
    fd=os.memfd_create("z"); b=b"x"*(1<<20)
    for i in range(1024): os.write(fd,b)
    return "ALLOCATED"
G=[]
def solve(x):
    if not G: G.append(go())
    return G[0]
