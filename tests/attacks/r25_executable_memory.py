"""SUCCESS = PASS: memory could be mapped executable (machine code of one's own)."""
# ruff: noqa
# expect: EXECUTABLE
import sys


def solve(x):
    for module in list(sys.modules.values()):
        ctypes = getattr(module, "ctypes", None)
        if ctypes is not None and hasattr(ctypes, "CDLL"):
            libc = ctypes.CDLL(None)
            libc.mmap.restype = ctypes.c_void_p
            address = libc.mmap(None, 4096, 7, 0x22, -1, 0)
            if address not in (None, 2**64 - 1):
                return "EXECUTABLE"
    return "no"
