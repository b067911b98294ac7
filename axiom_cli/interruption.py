"""What a command has kept so far, for the sentence with which it ends when it is interrupted."""

from __future__ import annotations

from collections import Counter

from axiom_cli.wording import listed, plural

_kept: Counter[str] = Counter()


def keep(what: str, count: int) -> None:
    """Counts things (`sample`) that the same command will find again."""
    _kept[what] += count


def forget() -> None:
    """Begins at 0: another command is run in this process."""
    _kept.clear()


def kept() -> str:
    """`1,130 samples`; empty if nothing was counted."""
    return listed([plural(count, what) for what, count in _kept.items() if count] or [""])
