"""Which verdicts become training rows, and how much each counts.

Accepted samples only; never one that was cut off; `infra` is no label, for or against. At most a few distinct solutions
of a problem (2412.17256: diversity is what self-training loses first), each weighted by how rarely its problem is
solved (2504.11343), and few that hold no news: solutions of problems that are always solved, and those that the model
was nearly sure to write.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from axiom_cli import syntax
from axiom_cli.errors import NothingToDoError
from axiom_cli.ids import content_id
from axiom_cli.problems import answers
from axiom_cli.records import Sample, Verdict
from axiom_cli.settings.configs import TrainConfig

NO_NEWS = 0.1
"""Largest share of the rows that may hold no news ..."""
NEWS = 0.1
"""A solution holds news if the model's negative log-probability of it, in nats, is at least this (0.9 likely). A
gradient step on a likelier one changes next to nothing, at the full price."""
ENOUGH = 200
"""... unless there are fewer rows than this: they fill up, since too few rows make a model worse."""
LEAST_WEIGHT = 0.1
"""Weight of a row whose problem is always, or nearly always, solved."""
MANY_CUT_OFF = 0.1
"""Share of samples that ran into their length limit from which on somebody should know."""
Screen = Callable[[Sequence[Sample]], set[int]]
"""Accepted samples -> the places of those that an evaluation has seen."""
REPEATED, CAPPED = "repeated", "capped"


@dataclass(frozen=True)
class Choice:
    """An accepted verdict and its weight: 1 - the pass rate of its problem, at least LEAST_WEIGHT. For a value function
    any verdict, how often its sample came, and as `label` the share of the verdicts on it that are passes."""

    verdict: Verdict
    weight: float = 1.0
    label: float | None = None


@dataclass
class Selection:
    """The choices, in the order of the input, and what was counted on the way.

    `failed + infra + truncated + screened + repeated + capped + dropped` and the choices add up to `verdicts`.
    `truncated` were accepted although cut off; `cut_off` counts all samples that were, accepted or not. `always_solved`
    are rows of problems solved at every attempt, `foreseen` others that the model was nearly sure to write; `dropped`
    are those of these two that there was no room for.
    """

    choices: list[Choice] = field(default_factory=list)
    verdicts: int = 0
    failed: int = 0
    infra: int = 0
    truncated: int = 0
    screened: int = 0
    repeated: int = 0
    capped: int = 0
    always_solved: int = 0
    foreseen: int = 0
    dropped: int = 0
    cut_off: int = 0

    def counts(self) -> dict[str, Any]:
        """Every number: the counts, `kept`, `problems` of the rows, `truncation_rate`, and `weights` of the rows, their
        min, mean and max."""
        numbers: dict[str, Any] = {name: value for name, value in vars(self).items() if name != "choices"}
        weights = [choice.weight for choice in self.choices] or [0.0]
        return {
            **numbers,
            "kept": len(self.choices),
            "problems": len({choice.verdict.sample.problem.id for choice in self.choices}),
            "truncation_rate": round(self.cut_off_rate, 4),
            "weights": {
                "min": round(min(weights), 4),
                "mean": round(sum(weights) / len(weights), 4),
                "max": round(max(weights), 4),
            },
        }

    @property
    def cut_off_rate(self) -> float:
        """The share of all samples that were cut off."""
        return self.cut_off / max(1, self.verdicts)

    def check(self) -> None:
        """NothingToDoError, with the reason, where there is no solution to learn from."""
        if not self.choices:
            raise NothingToDoError("no accepted solution to train on", self._hint())

    def _hint(self) -> str:
        if not self.verdicts:
            return "the input is empty: axiom verify writes verdict records"
        if self.infra == self.verdicts:
            return "every verdict is infra, which says nothing of the sample: see the reason in each"
        if self.screened:
            return f"{self.screened} accepted solutions are of problems that they are to be evaluated on (--against)"
        if self.truncated:
            return f"{self.truncated} accepted solutions were cut off: raise --max-tokens of axiom solve"
        return f"none of {self.verdicts} passed: lower --difficulty, raise --samples, or begin with axiom coldstart"

    @property
    def words(self) -> str:
        """What became of the samples, in a line."""
        told = self.counts()
        gone = {
            "failed": "failed", "infra": "infra", "truncated": "accepted but cut off", "screened": "in the evaluation",
            "repeated": "the same solution", "capped": "beyond the cap", "dropped": "without news",
        }  # fmt: skip
        parts = [f"{told[name]:,} {what}" for name, what in gone.items() if told[name]]
        return f"{self.verdicts:,} samples: {', '.join([*parts, ''])}{told['kept']:,} kept"


class Distinct:
    """Admits at most `limit` solutions of a problem, each once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._seen: dict[str, set[str]] = {}

    def refusal(self, sample: Sample) -> str:
        """REPEATED for a solution that was admitted before, CAPPED where there is no room for it; else nothing, and it
        is remembered."""
        seen = self._seen.setdefault(sample.problem.id, set())
        key = solution_key(sample)
        if key in seen:
            return REPEATED
        if len(seen) >= self.limit:
            return CAPPED
        seen.add(key)
        return ""

    def admit(self, sample: Sample) -> bool:
        """Whether the sample is new and there is room for it; remembers it if so."""
        return not self.refusal(sample)


@dataclass
class _Attempts:
    """What is known of one problem: rates count the attempts of the model itself, whose ids we have."""

    passed: int = 0
    failed: int = 0
    sampled: bool = True

    @property
    def rate(self) -> float | None:
        """The pass rate; None where one attempt, or a teacher's, says nothing of how hard the problem is."""
        total = self.passed + self.failed
        return self.passed / total if self.sampled and total > 1 else None


def select(verdicts: Iterable[Verdict], config: TrainConfig, screen: Screen | None = None) -> Selection:
    """The training rows among `verdicts`, those that `screen` knows left out. Only accepted samples are held in
    memory."""
    out = Selection()
    attempts: dict[str, _Attempts] = {}
    distinct = Distinct(config.max_per_problem)
    accepted = [verdict for verdict in verdicts if _counted(verdict, out, attempts)]
    seen = screen([verdict.sample for verdict in accepted]) if screen else set()
    out.screened = len(seen)
    kept = [v for place, v in enumerate(accepted) if place not in seen and _new(v, out, distinct)]
    easy = [v for v in kept if attempts[v.sample.problem.id].rate == 1]
    foreseen = [v for v in kept if attempts[v.sample.problem.id].rate != 1 and _foreseen(v.sample)]
    out.always_solved, out.foreseen = len(easy), len(foreseen)
    dropped = _beyond_share(easy + foreseen, len(kept), config.seed)
    out.dropped = len(dropped)
    rates = {name: known.rate or 0.0 for name, known in attempts.items()}
    out.choices = [Choice(v, max(LEAST_WEIGHT, 1 - rates[v.sample.problem.id])) for v in kept if id(v) not in dropped]
    return out


def solution_key(sample: Sample) -> str:
    """Equal for solutions that differ in nothing that matters: a program's syntax tree without comments and docstrings,
    a trace's words without its white space."""
    code = answers.written_program(sample)
    tree = syntax.parse(code) if code else None
    return content_id(ast.dump(_bare(tree)) if tree else " ".join(sample.text.split()), 32)


def _counted(verdict: Verdict, out: Selection, attempts: dict[str, _Attempts]) -> bool:
    """Counts the verdict; whether it may become a row."""
    out.verdicts += 1
    out.cut_off += verdict.sample.finish == "length"
    if verdict.status == "infra":
        out.infra += 1
        return False
    known = attempts.setdefault(verdict.sample.problem.id, _Attempts())
    known.sampled &= bool(verdict.sample.token_ids)
    known.passed += verdict.passed
    known.failed += not verdict.passed
    out.failed += not verdict.passed
    out.truncated += verdict.passed and verdict.sample.finish != "stop"
    return verdict.passed and verdict.sample.finish == "stop"


def _foreseen(sample: Sample) -> bool:
    return sample.logprob is not None and -sample.logprob < NEWS


def _new(verdict: Verdict, out: Selection, distinct: Distinct) -> bool:
    refusal = distinct.refusal(verdict.sample)
    out.repeated += refusal == REPEATED
    out.capped += refusal == CAPPED
    return not refusal


def _beyond_share(easy: list[Verdict], total: int, seed: int) -> set[int]:
    """The `id`s of the rows without news to drop; which ones, the seed says."""
    hard = total - len(easy)
    room = max(round(hard * NO_NEWS / (1 - NO_NEWS)), ENOUGH - hard)
    order = sorted(easy, key=lambda v: content_id([seed, v.sample.problem.id, v.sample.index, v.sample.attempt]))
    return {id(verdict) for verdict in order[room:]}


def _bare(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and len(body) > 1 and _is_text(body[0]):
            node.body = body[1:]
    return tree


def _is_text(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(getattr(statement.value, "value", None), str)


def rarest_first(choices: Iterable[Choice], seed: int) -> Iterator[Choice]:
    """By falling weight; equals in an order that the seed says."""

    def place(choice: Choice) -> tuple[float, str]:
        sample = choice.verdict.sample
        return -choice.weight, content_id([seed, sample.problem.id, sample.text], 16)

    return iter(sorted(choices, key=place))
