"""What programs find in the place of calls that the filter of system calls refuses, where the answer is known."""

from __future__ import annotations

import os
import stat
from typing import Any


def install() -> None:
    """Puts them where programs look for them."""
    os.fstat = described(os.fstat)


def described(fstat: Any) -> Any:
    """`os.fstat`, which the C library asks for by a call that could name any path."""

    def told(fd: int) -> os.stat_result:
        try:
            return fstat(fd)
        except PermissionError:
            at = os.lseek(fd, 0, os.SEEK_CUR)
            size = os.lseek(fd, 0, os.SEEK_END)
            os.lseek(fd, at, os.SEEK_SET)
            return os.stat_result((stat.S_IFREG | 0o600, 0, 0, 1, 0, 0, size, 0, 0, 0))

    return told
