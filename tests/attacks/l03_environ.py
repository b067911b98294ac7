"""SUCCESS = PASS: the program returned the secret in the parent environment (os.environ)."""
# ruff: noqa
# expect: SECRET
import os
def solve(x): return os.environ["AXIOM_SECRET"]
