"""SUCCESS = PASS: a 200 MB file was written in the working directory or /tmp."""
# ruff: noqa
# expect: WROTE
import os,posix
def solve(x):
    b=b"x"*(1<<20)
    for d in (".","/tmp","/box"):
        try: fd=posix.open(d+"/axhuge",os.O_CREAT|os.O_WRONLY,0o600)
        except OSError: continue
        try:
            for i in range(200): posix.write(fd,b)
            posix.unlink(d+"/axhuge"); return "WROTE"
        except OSError: pass
        finally:
            try: posix.unlink(d+"/axhuge")
            except OSError: pass
    return "no"
