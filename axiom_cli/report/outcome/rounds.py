"""What each round of a run did: samples drawn and accepted, rows trained on, loss, time and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from axiom_cli.evaluation.comparison import percent, percent_range
from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.report.formats import Table
from axiom_cli.statistics import wilson

SLICES = ("new", "history", "cold")


@dataclass
class Round:
    """Round `number`, from 1; number 0 is what came before it. What a run did not record is None. `seconds` and
    `tokens` are by phase, and a round ends with the evaluations of the model that it made."""

    number: int
    drawn: int | None = None
    accepted: int | None = None
    rows: int | None = None
    loss_tokens: int | None = None
    loss: float | None = None
    truncated: float | None = None
    replay: Mapping[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What it is called; before the first round, the start model is evaluated."""
        return f"round {self.number}" if self.number else "start"

    @property
    def acceptance(self) -> float | None:
        """The share of the samples that the verifier accepted."""
        return self.accepted / self.drawn if self.drawn and self.accepted is not None else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the acceptance."""
        return None if self.acceptance is None else wilson(self.accepted or 0, self.drawn or 0)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        facts = {name: getattr(self, name) for name in ("drawn", "accepted", "acceptance", "rows", "loss_tokens")}
        facts["acceptance_interval"] = self.interval
        more = {"loss": self.loss, "truncated": self.truncated, "replay": dict(self.replay)}
        return {"round": self.number, **facts, **more, "seconds": self.seconds, "tokens": self.tokens}

    def columns(self) -> dict[str, Any]:
        """For CSV, beside the model that the round made."""
        names = ("drawn", "accepted", "acceptance", "rows", "loss_tokens", "loss")
        columns = {f"round_{name}": getattr(self, name) for name in names}
        columns |= {f"replay_{part}": self.replay.get(part) for part in SLICES}
        for phase in ("collect", "train"):
            columns |= {f"{phase}_{name}": getattr(self, name).get(phase) for name in ("seconds", "tokens")}
        return columns


def rounds_of(experiment: Experiment, arm: str = "") -> list[Round]:
    """The rounds of a run or of one of its controls, in order."""
    rounds: dict[int, Round] = {}
    for row in (*experiment.evaluations(arm), *experiment.phases(arm)):
        phase, extra = str(row.extra["phase"]), row.extra
        number = row.iteration + (phase not in ("evaluate", "coldstart"))
        of = rounds.setdefault(number, Round(number))
        of.seconds[phase] = of.seconds.get(phase, 0.0) + row.seconds
        of.tokens[phase] = of.tokens.get(phase, 0) + row.tokens
        if phase == "collect":
            of.drawn, of.accepted = row.n, row.passed
        elif phase == "train":
            of.rows, of.loss_tokens, of.loss = row.n, row.tokens, extra.get("loss")
            of.replay = {part: float(extra.get("replay", {}).get(part, 0)) for part in SLICES}
            of.truncated = (extra.get("selection") or {}).get("truncation_rate")
    return [rounds[number] for number in sorted(rounds)]


def rounds_table(name: str, rounds: list[Round]) -> Table | None:
    """A row a round that trained; None without any."""
    trained = [of for of in rounds if of.rows is not None or of.drawn is not None]
    if not trained:
        return None
    rows = [
        [
            str(of.number),
            _count(of.drawn),
            "" if of.interval is None else f"{percent(of.acceptance or 0)} ({percent_range(of.interval)})",
            _count(of.rows),
            _count(of.loss_tokens),
            " / ".join(f"{100 * of.replay[part]:.0f}" for part in SLICES) if of.replay else "",
            "" if of.loss is None else f"{of.loss:.4f}",
            f"{of.seconds.get('collect', 0):,.0f} / {of.seconds.get('train', 0):,.0f}",
        ]
        for of in trained
    ]
    columns = ["round", "samples", "accepted", "rows", "loss tokens", "new / history / cold, %", "loss", "seconds"]
    title = f"{name}: what each round drew and trained on (seconds: collect / train)"
    return Table(title, columns, rows, keys=1).filled()


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
