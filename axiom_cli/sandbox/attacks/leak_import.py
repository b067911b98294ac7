"""Imports a file from elsewhere as a module, which reads and runs it."""

import importlib.util
import sys


def solve(x):
    sys.path.insert(0, "@ROOT@/home")
    spec = importlib.util.spec_from_file_location("treasure", "@ROOT@/home/treasure.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return "BROKE OUT" if "SECRET-" in module.SECRET else ""
