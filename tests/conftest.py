"""Tests run side by side, a process a core: what each calculates with several threads, it would do in turns."""

from __future__ import annotations

import os
import signal

import hypothesis
import pytest

import fork_server
from command_line import environment

os.environ.setdefault("OMP_NUM_THREADS", "1")
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))  # `default` tries others each time
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it runs in the background so, and the commands under test would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """One server for all processes of the run: the one that leads starts it."""
    if not hasattr(config, "workerinput"):
        config.add_cleanup(fork_server.start(environment(HF_HUB_OFFLINE="1")))
