"""SUCCESS = PASS: the planted secret stood in the environment or the arguments of any inherited object."""
# ruff: noqa
# expect: SECRET
import gc, os, sys


def solve(x):
    for holder in (os.environ, dict(enumerate(sys.argv)), dict(enumerate(sys.orig_argv if hasattr(sys, "orig_argv") else []))):
        for value in holder.values():
            if "SECRET" in str(value):
                return value
    return ""
