"""Makes a pair of connected sockets, by which descriptors could be passed on."""

import socket


def solve(x):
    one, other = socket.socketpair()
    one.sendall(b"x")
    return "BROKE OUT" if other.recv(1) else ""
