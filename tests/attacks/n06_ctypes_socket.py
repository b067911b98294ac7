"""SUCCESS = the loopback TCP listener got bytes sent through raw libc socket()/connect()."""
# ruff: noqa
# expect: SENT
# probe: tcp
import ctypes,struct
def solve(x):
    l=ctypes.CDLL(None); fd=l.socket(2,1,0)
    if fd<0: return "no"
    a=struct.pack("=H",2)+struct.pack("!H",__TCP__)+bytes([127,0,0,1])+b"\0"*8
    r=l.connect(fd,a,16); l.write(fd,b"exfil",5); return "SENT" if r==0 else "no"
