"""SUCCESS = the unix socket ROOT/sock (think docker.sock) accepted a connection."""
# ruff: noqa
# expect: SENT
# probe: unix
import socket
def solve(x):
    s=socket.socket(socket.AF_UNIX); s.connect("@@ROOT@@/sock"); s.sendall(b"exfil"); return "SENT"
