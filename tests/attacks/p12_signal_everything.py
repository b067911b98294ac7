"""SUCCESS = the victim, the harness or the zygote was harmed (kill of -1, of the group, of low process ids)."""
# ruff: noqa
# expect: flag
# probe: victim,hang,next
import os, signal


def solve(x):
    for pid in (-1, 0, __VICTIM__, os.getppid(), *range(1, 50)):
        if pid != os.getpid():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
    return 0
