"""SUCCESS = PASS: 1 GiB of bytes were allocated and touched."""
# ruff: noqa
# expect: ALLOCATED
def go():
    b=bytearray(1<<30); b[::4096]=b"x"*len(b[::4096]); return "ALLOCATED"
G=[]
def solve(x):
    if not G: G.append(go())
    return G[0]
