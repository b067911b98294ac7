"""Connects to a unix socket in the file system, such as a container engine's."""

import socket


def solve(x):
    with socket.socket(socket.AF_UNIX) as line:
        line.connect("@ROOT@/sock")
        line.sendall(b"taken")
    return "BROKE OUT"
