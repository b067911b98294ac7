"""User, mount, process, network, IPC and host-name namespaces with an empty read-only root: unprivileged."""

from __future__ import annotations

import ctypes
import os

from . import kernel

NEW_MOUNT, NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET = (
    0x00020000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
READ_ONLY, NO_SUID, NO_DEV, NO_EXEC, REMOUNT, RECURSIVE, PRIVATE = 1, 2, 4, 8, 32, 16384, 1 << 18
DETACH = 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
NOBODY = 65534


def enter() -> None:
    """Moves this process into new namespaces; its next child is process 1 there. Raises OSError."""
    user, group = os.getuid(), os.getgid()
    kernel.libc("unshare", NEW_USER | NEW_MOUNT | NEW_PID | NEW_NET | NEW_IPC | NEW_UTS)
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{NOBODY} {user} 1"),
        ("gid_map", f"{NOBODY} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)


def empty_root() -> None:
    """Replaces the whole file tree by an empty one that cannot be written to. Raises OSError."""
    kernel.libc("mount", None, b"/", None, RECURSIVE | PRIVATE, None)
    place = next(path for path in (b"/tmp", b"/mnt", b"/var", b"/etc", b"/dev") if os.path.isdir(path))
    flags = NO_SUID | NO_DEV | NO_EXEC
    kernel.libc("mount", b"tmpfs", place, b"tmpfs", flags, b"size=4k,nr_inodes=2,mode=555")
    os.chdir(place)
    here = ctypes.create_string_buffer(b".")
    kernel.syscall(PIVOT_ROOT[kernel.MACHINE], ctypes.addressof(here), ctypes.addressof(here))
    kernel.libc("umount2", b".", DETACH)
    os.chdir("/")
    kernel.libc("mount", None, b"/", None, REMOUNT | READ_ONLY | flags, None)


def become_first() -> None:
    """Forks; the child becomes process 1 of the new namespace, this process waits for it and ends with it."""
    child = os.fork()
    if child == 0:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, kernel.SIGKILL)
        return
    os.closerange(2, 4096)
    status = os.waitpid(child, 0)[1]
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
