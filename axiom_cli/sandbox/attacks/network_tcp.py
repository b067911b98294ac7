"""Connects to a listener on loopback by TCP, and sends to it."""

import socket


def solve(x):
    with socket.create_connection(("127.0.0.1", int("@TCP@")), timeout=1) as line:
        line.sendall(b"taken")
    return "BROKE OUT"
