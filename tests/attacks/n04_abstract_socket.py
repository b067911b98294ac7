"""SUCCESS = the abstract unix socket accepted a connection (not covered by mount namespaces)."""
# ruff: noqa
# expect: SENT
# probe: abstract
import socket
def solve(x):
    s=socket.socket(socket.AF_UNIX); s.connect("\0@@ABS@@"); s.sendall(b"exfil"); return "SENT"
