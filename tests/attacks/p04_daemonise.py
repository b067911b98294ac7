"""SUCCESS = a process of the candidate is alive after the verdict (double fork + setsid, lives 30 s)."""
# ruff: noqa
# expect: flag
# probe: outlive
import posix,os,time
def d():
    if posix.fork()==0:
        os.setsid()
        if posix.fork()==0:
            for f in range(0,256):
                try: os.close(f)
                except OSError: pass
            time.sleep(30); os._exit(0)
        os._exit(0)
d()
def solve(x): return 0
