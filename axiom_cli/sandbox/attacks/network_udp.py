"""Sends a datagram to a listener on loopback."""

import socket


def solve(x):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.sendto(b"taken", ("127.0.0.1", int("@UDP@")))
    return "BROKE OUT"
