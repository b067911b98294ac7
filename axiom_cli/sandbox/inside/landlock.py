"""Landlock: this process and its children may open no file, bind or connect no TCP port, signal nobody outside.

Source: linux/landlock.h; the three system calls have the same numbers on every architecture.
"""

from __future__ import annotations

import ctypes
import os
import struct

from . import kernel

CREATE, RESTRICT = 444, 446
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # ABI: how many of the rights it knows
TCP_FROM, SCOPES_FROM = 4, 6


def version() -> int:
    """The kernel's Landlock ABI. Raises OSError where there is none."""
    return kernel.syscall(CREATE, None, 0, 1)


def deny_everything() -> None:
    """A ruleset without one rule: whatever this ABI can refuse, it refuses. Needs no_new_privs. Raises OSError."""
    abi = version()
    rights = (1 << FILE_RIGHTS.get(abi, 16)) - 1
    network = 3 if abi >= TCP_FROM else 0
    scopes = 3 if abi >= SCOPES_FROM else 0
    attributes = struct.pack("=QQQ", rights, network, scopes)
    size = 24 if abi >= SCOPES_FROM else 16 if abi >= TCP_FROM else 8
    buffer = ctypes.create_string_buffer(attributes, 24)
    ruleset = kernel.syscall(CREATE, ctypes.addressof(buffer), size, 0)
    try:
        kernel.syscall(RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)
