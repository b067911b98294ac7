"""SUCCESS = PASS: os.fork (or posix.fork, or libc fork) made a child."""
# ruff: noqa
# expect: FORKED
def solve(x):
    def a():
        import posix; return posix.fork()
    def b():
        import ctypes; return ctypes.CDLL(None).fork()
    for f in (a,b):
        try: p=f()
        except Exception: continue
        if p==0:
            import os; os._exit(0)
        if p>0: return "FORKED"
    return "no"
