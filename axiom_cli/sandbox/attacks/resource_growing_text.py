"""Doubles a text until it has a billion characters."""


def solve(x):
    text = "ab"
    while len(text) < 1_000_000_000:
        text += text
    return "BROKE OUT"
