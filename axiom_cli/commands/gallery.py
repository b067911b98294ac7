"""Writes docs/families.md from the families themselves: `python -m axiom_cli.commands.gallery > docs/families.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from axiom_cli import families
from axiom_cli.families import draw
from axiom_cli.families.family import LEVELS, Family

HEAD = """# Families

What `axiom problems gen FAMILY` makes, with the first problem of the training split at each level (seed 0). Written by
`python -m axiom_cli.commands.gallery`; a test compares it with the program.
"""


HEADS = {
    "answer": "\n| level | problem | answer |\n|---|---|---|",
    "program": "\n| level | program to write |\n|---|---|",
}


def gallery() -> str:
    """The whole page: the families that ship, in the order of their table."""
    found = [families.get(name) for name in families.BUILT_IN]
    contents = [f"- [{family.name}](#{family.name}): {family.about} ({', '.join(family.forms)})" for family in found]
    return "\n".join([HEAD, *contents, *(line for family in found for line in section(family))]) + "\n"


def section(family: Family) -> Iterator[str]:
    """The lines on one family."""
    yield f"\n## {family.name}\n\n{sentence(family.about)} {sentence(family.levels)}"
    for form in family.forms:
        yield HEADS[form]
        for level in LEVELS:
            drawn = next(draw.draws(family, level, "train", 0, form))
            cells = [str(level), drawn.prompt, family.answer(drawn.task)]
            if drawn.exercise:
                cells = [str(level), f"`{drawn.exercise.signature}` {drawn.exercise.returns}"]
            yield f"| {' | '.join(map(cell, cells))} |"


def sentence(text: str) -> str:
    """Text with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def cell(text: str) -> str:
    """Text as it can stand in a table: what would be markup is escaped, but for what stands between backquotes."""
    parts = text.replace("|", "\\|").split("`")
    parts[::2] = [re.sub(r"([*_<\[\]])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts).replace("\n", "<br>")


if __name__ == "__main__":
    print(gallery(), end="")
