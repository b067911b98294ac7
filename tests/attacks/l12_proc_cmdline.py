"""SUCCESS = PASS: command lines of other processes could be read from /proc."""
# ruff: noqa
# expect: LEAK
import os,io
def solve(x):
    for p in os.listdir("/proc"):
        if p.isdigit() and int(p)!=os.getpid():
            try:
                if b"axiom_victim" in io.FileIO("/proc/%s/cmdline"%p).read(): return "LEAK"
            except OSError: pass
    return ""
