"""What an audit found in one family and form: the record, what is wrong in words, and its row in the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import shorten
from typing import Any

from axiom_cli.audit.guess_rate import Guess
from axiom_cli.audit.supply import Supply

LEAST_SCORE = 0.9
MOST_GUESSED = 0.25
LEAST_DISTINCT = 40
"""A tenth of a level's problems are its test set: of fewer than 40 that is 4, and one lucky answer moves the rate by a
quarter."""
COLUMNS = ["family", "form", "draws", "disagree", "ambiguous", "several", "twice", "leaks", "scarcest level", "in test"]
COLUMNS += ["repeats", "guess", "mutants", ""]
COUNTED = {
    "disagreements": "second solver disagrees",
    "ambiguous": "prompts with more than one answer",
    "collisions": "problems found in two places",
    "leaks": "prompts that give the answer away",
}


@dataclass
class AuditRow:
    """What was found. `examples` has the first problem of each finding, `failures` says in words what is wrong, and
    `notes` what the reader should know. All three may be empty."""

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

    def add(self, finding: str, level: int, prompt: str, *answers: Any) -> None:
        """Counts a finding, and keeps the first such problem with the answers that do not agree."""
        setattr(self, finding, getattr(self, finding) + 1)
        self.examples.setdefault(finding, {"level": level, "prompt": prompt, "answers": list(answers)})

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary with rates and `passed`. What was not measured is left out."""
        measured = {name: value for name, value in vars(self).items() if value is not None}
        draws = max(1, self.draws)
        measured |= {"ambiguous_rate": self.ambiguous / draws, "several_rate": self.several / draws}
        if self.guess:
            measured |= {"guess": str(self.guess), "guessable": self.guess.rate}
        if self.supply:
            measured["supply"] = self.supply.to_dict()
        return {"kind": "audit", **measured, "passed": not self.failures, "proven": self.compared > 0}


def conclude(row: AuditRow) -> AuditRow:
    """The row with its failures and notes in words."""
    for finding, what in COUNTED.items():
        if times := getattr(row, finding):
            failure = f"{what}: {times:,}"
            if example := row.examples.get(finding):
                answers = " or ".join(shorten(str(answer), 40) for answer in example["answers"])
                prompt = shorten(example["prompt"], 120)
                failure += f", such as at level {example['level']}: {prompt!r} ({answers})"
            row.failures.append(failure)
    if row.mutation_score is not None and row.mutation_score < LEAST_SCORE:
        row.failures.append(f"mutation score {row.mutation_score:.2f}, at least {LEAST_SCORE} is required")
    if row.guess and row.guess.rate > MOST_GUESSED:
        row.failures.append(str(row.guess))
    if row.supply and row.supply.whole.problems < LEAST_DISTINCT:
        level, whole = row.supply.level, row.supply.whole
        row.failures.append(f"level {level} has {whole} distinct problems, at least {LEAST_DISTINCT} are required")
    if row.supply and (shortage := row.supply.shortage()):
        row.notes.append(shortage)
    if not row.compared:
        row.notes.append("there is no second solver to compare with (Family.second)")
    return row


def cells(row: dict[str, Any]) -> list[str]:
    """A record's cells in the table, under COLUMNS. `in test` is the last of the requested splits."""
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
        f"{supply['level']}: {_amount(supply)}" if supply else "",
        _amount(splits[-1]) if splits else "",
        f"{splits[-1]['duplicates']:,.1f}" if splits else "",
        f"{row['guessable']:.1%}" if "guessable" in row else "",
        f"{row['mutation_score']:.2f}" if "mutation_score" in row else "",
        ("passed" if row["proven"] else "unproven") if row["passed"] else "FAILED",
    ]


def _amount(amount: dict[str, Any]) -> str:
    return f"{'' if amount['exact'] else '~'}{amount['problems']:,}"
