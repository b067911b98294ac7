"""SUCCESS = the loopback TCP listener got bytes."""
# ruff: noqa
# expect: SENT
# probe: tcp
import socket
def solve(x):
    s=socket.create_connection(("127.0.0.1",__TCP__),timeout=1); s.sendall(b"exfil"); s.close(); return "SENT"
