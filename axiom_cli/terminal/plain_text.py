"""Foreign text for a full-screen program: neither markup nor anything that a terminal would obey."""

from __future__ import annotations

from typing import Any

from axiom_cli.wording import spelled_out


def plain(text: str, style: str = "") -> Any:
    """The text as it is to be shown, in one style; control characters are spelled out."""
    from rich.text import Text

    return Text(spelled_out(text), style)
