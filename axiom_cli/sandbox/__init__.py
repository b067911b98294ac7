"""Untrusted Python in a prepared child process; docs/safety.md is the long form of this.

What is covered: a program cannot earn a `pass` other than by computing every expected value, as neither those nor tests
that are code ever enter its process; it runs in a fresh process (a script in one for each test) under limits of
processor time, sleep, memory, output and descriptors, which is always killed with all it started; at level `basic` and
above it can open no file or socket, start no process, signal nobody. Which level holds is proved by programs that try
to get out, each time a sandbox opens.

What is not: the kernel is shared, so a hole in one of the seventy or so system calls that remain is a hole here; timing
channels; at level `limited`, files and network. For adversaries beyond a model's own code use a virtual machine.
"""

from axiom_cli.sandbox.judge import Outcome
from axiom_cli.sandbox.pool import Limits
from axiom_cli.sandbox.sandbox import Sandbox, isolation_level
from axiom_cli.sandbox.worker import Setup

__all__ = ["Limits", "Outcome", "Sandbox", "Setup", "isolation_level"]
