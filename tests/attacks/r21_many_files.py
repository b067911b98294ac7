"""SUCCESS = PASS: 5,000 files were made."""
# ruff: noqa
# expect: FILES
import posix,os
def solve(x):
    n=0
    for i in range(5000):
        fd=posix.open("axf%d"%i,os.O_CREAT|os.O_WRONLY,0o600); posix.close(fd); n+=1
    return "FILES" if n==5000 else "no"
