"""What training would see, for a person: the counts of the selection, and rows whose tokens are coloured by place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from axiom_cli.commands.streams import stdout
from axiom_cli.terminal import console

if TYPE_CHECKING:
    from axiom_cli.learning.objectives import Chosen
    from axiom_cli.learning.preview import Preview
    from axiom_cli.learning.training.loss_mask import LabelledRow

STYLES = {
    "prompt": ("bright_black", "white"),
    "learned": ("green", "bold green"),
    "end": ("black on yellow", "black on yellow"),
    "padding": ("blue", "blue"),
}
"""Two styles for each place, in turn, so that you see where a token ends."""
LEGEND = {
    "prompt": "prompt: no loss",
    "learned": "learned",
    "end": "end of text: learned",
    "padding": "padding: no loss",
}
SAMPLES = {
    "verdicts": "verdicts",
    "cut_off": "cut off, accepted or not",
    "failed": "failed",
    "infra": "infra: not judged",
    "truncated": "correct but cut off",
    "screened": "held out for evaluation",
    "repeated": "repeated solution",
    "capped": "beyond --max-per-problem",
    "always_solved": "uninformative: always solved",
    "foreseen": "uninformative: near-certain",
    "dropped": "uninformative, dropped",
    "kept": "kept as rows",
    "problems": "distinct problems",
}
GROUPS = {
    "groups": "groups: attempts with the same prompt",
    "always_passed": "groups that always passed",
    "never_passed": "groups that never passed",
    "pairs": "preference pairs",
    "attempts": "attempts in mixed groups",
    "labels": "labelled attempts",
}
NUMBERS = {
    "rows": "rows",
    "too_long": "rows left out: too long",
    "truncated": "rows left out: cut off",
    "encoded_here": "rows encoded from text",
    "foreign": "rows with token ids of another tokenizer",
    "prompts_differ": "rows sampled with another prompt",
}
BORDER = ("▌", "bold")


def show_selection(selection: Chosen) -> None:
    """The counts of a selection, as a table without the causes for which no sample was left out."""
    counts: dict[str, Any] = selection.counts()
    total = selection.verdicts
    rows = [
        [label, f"{counts[name]:,}", _share(counts[name], total)] for name, label in SAMPLES.items() if counts.get(name)
    ]
    rows += [[label, f"{counts[name]:,}", ""] for name, label in GROUPS.items() if name in counts]
    if "weights" in counts:
        low, mean, high = (f"{counts['weights'][name]:.2f}" for name in ("min", "mean", "max"))
        rows.append(["weights of the rows", f"{low} to {high}", f"mean {mean}"])
    console.table("selection", ["samples", "count", "share"], rows)


def show(preview: Preview) -> None:
    """The rows as JSON lines for a program, coloured for a person at a terminal; the counts for both."""
    if console.data_wanted() or not console.is_terminal():
        for line in preview.lines():
            stdout().write(f"{line}\n")
    if console.is_terminal():
        for number, row in enumerate(preview.rows, 1):
            passed = "" if row.row.label is None else f" ({row.row.label * row.row.weight:.0f} passed)"
            counts = ", ".join(f"{count} {place}" for place, count in row.counts().items())
            console.note(f"\nrow {number}: problem {row.row.problem}, weight {row.row.weight:.2f}{passed}; {counts}")
            console.paint(list(_pieces(row, preview)))
    console.paint([piece for place, label in LEGEND.items() for piece in ((label, STYLES[place][0]), ("   ", ""))])
    total = sum(preview.tokens.values())
    rows = [[LEGEND[place], f"{count:,}", _share(count, total)] for place, count in preview.tokens.items()]
    console.table("tokens of an epoch", ["place", "count", "share"], rows)
    console.table("rows", ["", "count"], [[label, f"{preview.numbers[name]:,}"] for name, label in NUMBERS.items()])
    if not preview.system:
        console.note("the chat template leaves out system messages: the model does not see the instruction")


def _pieces(row: LabelledRow, preview: Preview) -> Iterator[tuple[str, str]]:
    """The tokens in their styles, a border where the place changes; padding as its length."""
    before = ""
    for number, (text, place) in enumerate(row.tokens(preview.tokenizer)):
        if before and place != before:
            yield BORDER
        yield text, STYLES[place][number % 2]
        before = place
    if padding := row.counts()["padding"]:
        yield BORDER
        yield f"·×{padding}", STYLES["padding"][0]


def _share(count: int, total: int) -> str:
    return f"{count / total:.1%}" if total else ""
