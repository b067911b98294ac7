"""Tries every assignment of knights and knaves, and reads each claim anew."""

from __future__ import annotations

import re
from itertools import product

_SPOKEN = re.compile(r"(\w+): (.+?)\.(?= )")


def _holds(claim: str, speaker: str, kind: dict[str, str]) -> bool:
    """Whether the claim is true if everyone is of the kind given."""
    claim = re.sub(r"\bI\b( am)?", lambda match: speaker + (" is" if match.group(1) else ""), claim)
    pair = re.fullmatch(r"(\w+) and (\w+) are (alike|unlike)", claim)
    if pair:
        return (kind[pair.group(1)] == kind[pair.group(2)]) == (pair.group(3) == "alike")
    parts = [kind[name] == kind_named for name, kind_named in re.findall(r"(\w+) is a (\w+)", claim)]
    return any(parts) if " or " in claim else all(parts)


def answer(prompt: str) -> str:
    """The kinds in the order of speaking. Raises ValueError unless exactly one way fits."""
    claims = _SPOKEN.findall(prompt.partition("one or both. ")[2])
    names = [name for name, _ in claims]
    fitting = []
    for kinds in product(("knight", "knave"), repeat=len(names)):
        kind = dict(zip(names, kinds, strict=True))
        if all(_holds(claim, speaker, kind) == (kind[speaker] == "knight") for speaker, claim in claims):
            fitting.append(kinds)
    (solution,) = fitting
    return " ".join(solution)
