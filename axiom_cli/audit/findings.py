"""What an audit found of one family in one form: the record, what is wrong with it in words, its line in a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import shorten
from typing import Any

from axiom_cli.audit.guess_rate import Guess
from axiom_cli.audit.supply import Supply

LEAST_SCORE = 0.9
MOST_GUESSED = 0.25
LEAST_DISTINCT = 40
"""A tenth of a level's problems are its test: of fewer than 40 that is 4, and one lucky answer moves the rate by a
quarter."""
COLUMNS = ["family", "form", "draws", "disagree", "ambiguous", "several", "twice", "leaks", "scarcest level", "in test"]
COLUMNS += ["repeats", "guess", "mutants", ""]


COUNTED = {
    "disagreements": "second solver disagrees",
    "ambiguous": "prompts with more than one answer",
    "collisions": "problems met in two places",
    "leaks": "prompts that give the answer away",
}


@dataclass
class Row:
    """What was found. `examples` has the first problem of each finding, `failures` says in words what is wrong, `notes`
    what somebody should know; all three may be empty."""

    family: str
    form: str
    draws: int = 0
    compared: int = 0
    distinct: int = 0
    disagreements: int = 0
    ambiguous: int = 0
    several: int = 0
    collisions: int = 0
    leaks: int = 0
    guess: Guess | None = None
    supply: Supply | None = None
    mutation_score: float | None = None
    examples: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, finding: str, wrong: bool, level: int, prompt: str, *answers: Any) -> None:
        """Adds to a finding what is `wrong`, and keeps the first such problem with the answers that do not agree."""
        if wrong:
            setattr(self, finding, getattr(self, finding) + 1)
            self.examples.setdefault(finding, {"level": level, "prompt": prompt, "answers": list(answers)})

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary, rates and `passed` included; what was not measured is left out."""
        found = {name: value for name, value in vars(self).items() if value is not None}
        draws = max(1, self.draws)
        found |= {"ambiguous_rate": self.ambiguous / draws, "several_rate": self.several / draws}
        if self.guess:
            found |= {"guess": str(self.guess), "guessable": self.guess.rate}
        if self.supply:
            found["supply"] = self.supply.to_dict()
        return {"kind": "audit", **found, "passed": not self.failures, "proven": self.compared > 0}


def judged(row: Row) -> Row:
    """The row with what is wrong, and what is worth knowing, put into words."""
    for finding, what in COUNTED.items():
        if times := getattr(row, finding):
            row.failures.append(f"{what}: {times:,}{_shown(row.examples.get(finding))}")
    if row.mutation_score is not None and row.mutation_score < LEAST_SCORE:
        row.failures.append(f"mutation score {row.mutation_score:.2f}, at least {LEAST_SCORE} is wanted")
    if row.guess and row.guess.rate > MOST_GUESSED:
        row.failures.append(str(row.guess))
    if row.supply and row.supply.whole.problems < LEAST_DISTINCT:
        level, whole = row.supply.level, row.supply.whole
        row.failures.append(f"level {level} has {whole} distinct problems, at least {LEAST_DISTINCT} are wanted")
    unmatched = "" if row.compared else "there is no second solver to agree with (Family.second)"
    row.notes += filter(None, [row.supply.short() if row.supply else "", unmatched])
    return row


def _shown(example: dict[str, Any] | None) -> str:
    """The first problem of a finding, in a few words."""
    if example is None:
        return ""
    answers = " or ".join(shorten(str(one), 40) for one in example["answers"])
    return f", such as at level {example['level']}: {shorten(example['prompt'], 120)!r} ({answers})"


def cells(row: dict[str, Any]) -> list[str]:
    """A record's line in the table, under COLUMNS. `in test` is the last of the splits asked about."""
    supply = row.get("supply")
    splits = list(supply["splits"].values()) if supply else []
    return [
        row["family"],
        row["form"],
        f"{row['draws']:,}",
        f"{row['disagreements']:,}" if row["compared"] else "-",
        f"{row['ambiguous_rate']:.1%}",
        f"{row['several_rate']:.1%}",
        f"{row['collisions']:,}",
        f"{row['leaks']:,}",
        f"{supply['level']}: {_about(supply)}" if supply else "",
        _about(splits[-1]) if splits else "",
        f"{splits[-1]['duplicates']:,.1f}" if splits else "",
        f"{row['guessable']:.1%}" if "guessable" in row else "",
        f"{row['mutation_score']:.2f}" if "mutation_score" in row else "",
        ("passed" if row["proven"] else "unproven") if row["passed"] else "FAILED",
    ]


def _about(amount: dict[str, Any]) -> str:
    return f"{'' if amount['exact'] else '~'}{amount['problems']:,}"
