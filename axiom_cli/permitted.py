"""What the user allowed on the command line, for this process and those that it forks: nothing by default.

A settings file or a variable cannot allow it: a folder that somebody else wrote may hold an axiom.toml.
"""

from __future__ import annotations

REMOTE_CODE = "--allow-remote-code"
PICKLE = "--allow-pickle"
_allowed: set[str] = set()


def allow(*flags: str) -> None:
    """Allows exactly what `flags` name."""
    _allowed.clear()
    _allowed.update(flags)


def remote_code() -> bool:
    """Whether Python that lies beside a model's weights may run."""
    return REMOTE_CODE in _allowed


def pickle() -> bool:
    """Whether weights may be read from pickles, which torch reads without running what they name."""
    return PICKLE in _allowed
