"""SUCCESS = PASS: a new user namespace could be made (opens kernel attack surface)."""
# ruff: noqa
# expect: UNSHARED
import ctypes
R="UNSHARED" if ctypes.CDLL(None).unshare(0x10000000)==0 else "no"
def solve(x): return R
