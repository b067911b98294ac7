"""SUCCESS = no verdict within 15 s (catastrophic regex in C)."""
# ruff: noqa
# expect: flag
# probe: hang
import re
def solve(x): return re.match(r"(a|a)*$","a"*64+"b")
