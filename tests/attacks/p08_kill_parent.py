"""SUCCESS = the harness process died or hung (SIGKILL/SIGSTOP to the parent)."""
# ruff: noqa
# expect: flag
# probe: hang
import posix
def solve(x):
    p=posix.getppid()
    if p>1 or (posix.getuid() and p==1): posix.kill(p,19)
    return 0
