"""Numbers and lists in sentences, and foreign text made harmless where it is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TAG = re.compile("<(?=[A-Za-z/!?])")


def plural(number: int, noun: str) -> str:
    """`1 problem`, `2,000 problems`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """`one`, `one and two`, `one, two and three`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def duration(seconds: float) -> str:
    """`12 s`, `4 min`, `1 h 20 min`: rounded as a forecast is."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(5 * round(minutes / 5), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def spelled_out(text: str) -> str:
    """The text with all that a terminal or a browser might obey spelled out, but for ends of lines: escapes, other
    control characters, and those that turn the direction of what follows. Whatever is shown of a record, a name, a file
    or another program's message goes through here."""
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def as_markdown(text: str) -> str:
    """Text as a part of one line of Markdown, in which it is neither markup, a link nor the end of a table's cell."""
    for character, instead in (("\\", "\\\\"), ("\n", " "), ("|", "\\|"), ("`", "\\`")):
        text = text.replace(character, instead)
    return harmless_markdown(text)


def harmless_markdown(text: str) -> str:
    """Markdown of our own with foreign names in it: they hold neither elements of HTML nor links."""
    return spelled_out(_TAG.sub("&lt;", text).replace("](", "]\\("))
