"""A sandbox starts in whatever process opens it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from command_line import environment

NUMBERED = """
import os, socket
from axiom_cli.sandbox import Sandbox
from axiom_cli.sandbox.inside.zygote import CONTROL

real, numbers = socket.socketpair, []

def noted(*how):
    pair = real(*how)
    numbers.append(pair[1].fileno())
    return pair

socket.socketpair = noted
while os.open("/dev/null", os.O_RDONLY) < CONTROL - 4:
    pass
for _ in range(6):
    with Sandbox(jobs=1):
        pass
    os.open("/dev/null", os.O_RDONLY)
assert CONTROL in numbers, numbers
"""


@pytest.mark.slow
def test_it_starts_whatever_number_its_socket_gets():
    """It moves its end to a fixed number, and closed it where it had that number already."""
    done = subprocess.run([sys.executable, "-c", NUMBERED], capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
