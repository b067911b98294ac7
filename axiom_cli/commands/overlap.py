"""`axiom problems overlap`."""

from __future__ import annotations

from pathlib import Path
from textwrap import shorten
from typing import Annotated

import typer

from axiom_cli.commands.streams import AsJson, records, stdout, words, write
from axiom_cli.errors import UsageError
from axiom_cli.records import Problem
from axiom_cli.terminal import console

SHOWN, LONGEST = 3, 100
"""Examples, and the characters of each."""


def overlap(
    a: Annotated[Path, typer.Argument(metavar="A", help="Problems.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Problems.")],
    json: AsJson = False,
) -> None:
    """How much of A stands in B: exactly, and by runs of eight words."""
    from axiom_cli.problems.decontamination import overlap as compare

    if str(a) == str(b) == "-":
        raise UsageError("A and B are both stdin", "name a file for one of them")
    found = compare(records(a, Problem), records(b, Problem))
    if json or console.is_quiet() or not stdout().isatty():
        write([found.to_dict()], None)
        return
    counted = (("stand in B", found.exact), ("share a run of 8 words that is no boilerplate", found.ngram))
    rows = [[said, f"{n:,}", f"{100 * n / max(1, found.left):.1f} %"] for said, n in counted]
    title = f"{words(found.left, 'problem')} of A, {found.right:,} of B"
    console.table(title, ["of A", "problems", "share"], rows, keys=1)
    for prompt in found.examples[:SHOWN]:
        console.note(f"such as: {console.visible(shorten(prompt, LONGEST, placeholder=' ...'))}")
