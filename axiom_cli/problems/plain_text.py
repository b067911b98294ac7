"""An answer without what people and models put around it: emphasis, LaTeX, quotes, a final stop."""

from __future__ import annotations

import re
import unicodedata

WRAPPED = (
    r"\$\$(?P<inner>[^$]*)\$\$",
    r"\$(?P<inner>[^$]+)\$",
    r"\\\((?P<inner>.*)\\\)",
    r"\\\[(?P<inner>.*)\\\]",
    r"(?P<mark>\*{1,3}|_{1,3}|`{1,3})(?P<inner>[^\s*_`](?:[^*`]*[^\s*`])?)(?P=mark)",
    r'"(?P<inner>[^"]*)"',
    r"'(?P<inner>[^']*)'",
    r"«\s*(?P<inner>[^»]*?)\s*»",
    r"<(?P<tag>b|i|em|strong|answer|code|u)>(?P<inner>[^<]*)</(?P=tag)>",
)
WRAPPERS = [re.compile(pattern, re.DOTALL) for pattern in WRAPPED]
COMMAND = re.compile(r"\\(?:boxed|fbox|text(?:bf|it|rm|tt)?|math(?:rm|bf|it|tt|sf)|operatorname)\s*\{")
LEAD_IN = re.compile(
    r"(?:(?:so|thus|hence|therefore)\b,?\s*)?(?:(?:the|my)\s+)?(?:(?:final|correct)\s+)*answer\s*(?:is\b\s*:?|:)\s*",
    re.IGNORECASE,
)
MOST_LAYERS = 12
LONGEST = 10_000
"""Characters of an answer that is looked into; a longer one is compared as it is."""
SAME = str.maketrans(
    {
        **dict.fromkeys("−‐‑‒–—﹣", "-"),
        **dict.fromkeys("‘’‛′", "'"),
        **dict.fromkeys("“”„‟″", '"'),
        "⁄": "/",
        "∕": "/",
        "：": ":",
    }
)


def plain(answer: str) -> str:
    """The answer as plain characters on one line, without layers of marks around the whole of it."""
    text = " ".join(fold(answer).split())
    if len(text) > LONGEST:
        return text
    for _ in range(MOST_LAYERS):
        outer = text
        text = _unwrapped(_without_stop(LEAD_IN.sub("", text, count=1) if LEAD_IN.match(text) else text)).strip()
        if text == outer:
            break
    return text


def fold(text: str) -> str:
    """Full-width and other digits, dashes, quotes and spaces as those of ASCII; without invisible characters."""
    if text.isascii():
        return text
    return "".join(map(_folded, unicodedata.normalize("NFC", text))).translate(SAME)


def _folded(character: str) -> str:
    code, category = ord(character), unicodedata.category(character)
    if 0xFF01 <= code <= 0xFF5E:
        return chr(code - 0xFEE0)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return " " if category == "Zs" else "" if category == "Cf" else character


def _without_stop(text: str) -> str:
    return text[:-1].rstrip() if text[-1:] in ".。;," and text[-3:] != "..." and text[:-1].strip() else text


def _unwrapped(text: str) -> str:
    """The text without its outermost layer of marks, if that is around the whole of it."""
    if (command := COMMAND.match(text)) and (closed := closing_brace(text, command.end())) == len(text) - 1:
        return text[command.end() : closed]
    for pattern in WRAPPERS:
        if match := pattern.fullmatch(text):
            return match["inner"] if match["inner"].strip() else text
    return text


def closing_brace(text: str, start: int) -> int:
    """Where the brace is that closes the one before `start`; -1 without one. An escaped brace does not count."""
    depth = 1
    for match in re.finditer(r"\\.|[{}]", text[start:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return start + match.start()
    return -1
