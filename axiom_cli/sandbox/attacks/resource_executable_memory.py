"""Maps memory that holds machine code of its own."""

import mmap
import sys


def solve(x):
    for module in list(sys.modules.values()):
        ctypes = getattr(module, "ctypes", None)
        if ctypes is not None and hasattr(ctypes, "CDLL"):
            libc = ctypes.CDLL(None)
            libc.mmap.restype = ctypes.c_void_p
            if libc.mmap(None, 4096, 7, 0x22, -1, 0) not in (None, 2**64 - 1):
                return "BROKE OUT"
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    return "BROKE OUT"
