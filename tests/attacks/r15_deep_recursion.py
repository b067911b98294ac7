"""SUCCESS = the harness died or hung (C stack overflow by recursion)."""
# ruff: noqa
# expect: flag
# probe: hang
import sys
sys.setrecursionlimit(10**9)
def solve(x):
    class A:
        def __getattr__(s,n): return getattr(s,n+"a")
    f=lambda n: sorted([1],key=lambda v: f(n+1))
    return f(0)
