"""SUCCESS = ROOT/pwned appears (mkdir/open outside the private tmp)."""
# ruff: noqa
# expect: flag
# probe: file:pwned
import os,io
try: os.mkdir("@@ROOT@@/pwned")
except Exception: pass
def solve(x): return 0
