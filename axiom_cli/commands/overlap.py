"""`axiom problems overlap`."""

from __future__ import annotations

from pathlib import Path
from textwrap import shorten
from typing import Annotated

from axiom_cli.commands.pages import argument
from axiom_cli.commands.streams import AsJson, records, write
from axiom_cli.errors import UsageError
from axiom_cli.records import Problem
from axiom_cli.terminal import console
from axiom_cli.wording import plural

SHOWN, LONGEST = 3, 100
"""How many examples are shown, and the longest one in characters."""


def overlap(
    a: Annotated[Path, argument("A", "File of problems; - is stdin.")],
    b: Annotated[Path, argument("B", "File of problems to look for them in.")],
    json: AsJson = False,
) -> None:
    """Count the problems of A that are also in B, exactly or by a run of eight words."""
    from axiom_cli.problems.decontamination import overlap as compare

    if str(a) == str(b) == "-":
        raise UsageError("A and B are both stdin", "name a file for one of them")
    shared = compare(records(a, Problem), records(b, Problem))
    if json or console.data_wanted():
        write([shared.to_dict()], None, as_json=True)
        return
    counts = (("are in B", shared.exact), ("share 8 words in a row, beyond boilerplate", shared.ngram))
    rows = [[finding, f"{count:,}", f"{100 * count / max(1, shared.left):.1f} %"] for finding, count in counts]
    title = f"{plural(shared.left, 'problem')} of A, {shared.right:,} of B"
    console.table(title, ["of A", "problems", "share"], rows, keys=1)
    for prompt in shared.examples[:SHOWN]:
        console.note(f"for example: {console.visible(shorten(prompt, LONGEST, placeholder=' ...'))}")
