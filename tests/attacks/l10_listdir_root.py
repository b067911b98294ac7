"""SUCCESS = PASS: the program could list the real / and the home directory."""
# ruff: noqa
# expect: LEAK
import os
def solve(x): return "LEAK" if "etc" in os.listdir("/") and ".ssh" in os.listdir("@@ROOT@@/home") else ""
