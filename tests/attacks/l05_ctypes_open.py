"""SUCCESS = PASS: the secret file was read through libc open()/read() by ctypes."""
# ruff: noqa
# expect: SECRET
import ctypes
def solve(x):
    l=ctypes.CDLL(None); b=ctypes.create_string_buffer(200); fd=l.open(b"@@ROOT@@/home/.ssh/id_rsa",0)
    n=l.read(fd,b,200); return b.raw[:n].decode()
