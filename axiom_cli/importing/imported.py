"""What a format makes of a row, and what a format is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from axiom_cli.importing.evalplus import Inputs
from axiom_cli.importing.readers import Line
from axiom_cli.importing.schema import Kind, Row
from axiom_cli.records import Problem, Program


@dataclass(frozen=True)
class Imported:
    """What became of a row: a problem, or the reason why there is none. A `malformed` row is not in the format at all.

    With `inputs`, the problem has no tests until its solution `gold` has run on them. `others` are further readings of
    the row, each a program with its reference, tried in order if `gold` fails. `note` is a warning for those who use
    the problem.
    """

    name: str
    problem: Problem | None = None
    reason: str = ""
    gold: str | None = None
    others: Sequence[Program] = ()
    malformed: bool = False
    inputs: Inputs | None = None
    note: str = ""
    row: Line = field(default=Line(0, None), compare=False)


@dataclass(frozen=True)
class Format:
    """How a row is read: the fields that it needs and those that it may have, each with what it must be.

    `recognizes` says whether a row can only be of this format.
    """

    read: Callable[[Row], Imported]
    needs: Mapping[str, Kind]
    takes: Mapping[str, Kind]
    recognizes: Callable[[Row], bool] = lambda _row: False

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that this format reads."""
        return (*self.needs, *self.takes)
