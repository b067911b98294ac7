"""Takes and touches a gibibyte of memory."""


def solve(x):
    block = bytearray(1 << 30)
    block[::4096] = b"x" * len(block[::4096])
    return "BROKE OUT"
