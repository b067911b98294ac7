"""Overflows the stack of the parser by brackets of great depth."""

import json


def solve(x):
    text = "[" * 1_000_000
    return [eval, json.loads, compile][x - 1](text, *(("t", "eval") if x == 3 else ()))
