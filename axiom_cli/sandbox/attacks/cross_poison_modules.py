"""Leaves modules of its own in sys.modules and a broken file where modules are looked for."""

import sys
import types

for name in ("math", "bisect", "collections"):
    sys.modules[name] = types.ModuleType(name)
sys.path.insert(0, "@ROOT@")
try:
    with open("@ROOT@/bisect.py", "w") as file:
        file.write("raise SystemExit(0)")
except OSError:
    pass


def solve(x):
    return 0
