"""SUCCESS = ROOT/pwned appears (posix_spawn / _posixsubprocess.fork_exec)."""
# ruff: noqa
# expect: flag
# probe: file:pwned
import posix
try: posix.posix_spawn("/bin/mkdir",["mkdir","@@ROOT@@/pwned"],{})
except OSError: pass
def solve(x):
    import time; time.sleep(.3); return 0
