"""Which verdicts become training rows, and how much each counts.

Accepted samples only; never one that was cut off; `infra` is no label, for or against. At most a few distinct solutions
of a problem (2412.17256: diversity is what self-training loses first), each weighted by how rarely its problem is
solved (2504.11343), and few that hold no news: solutions of problems that are always solved, and those that the model
was nearly sure to write.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from axiom_cli import answers, syntax
from axiom_cli.configs import TrainConfig
from axiom_cli.ids import content_id
from axiom_cli.records import Sample, Verdict

NO_NEWS = 0.1
"""Largest share of the rows that may hold no news ..."""
NEWS = 0.1
"""A solution holds news if the model's negative log-probability of it, in nats, is at least this (0.9 likely). A
gradient step on a likelier one changes next to nothing, at the full price."""
ENOUGH = 200
"""... unless there are fewer rows than this: they fill up, since too few rows make a model worse."""
LEAST_WEIGHT = 0.1
"""Weight of a row whose problem is always, or nearly always, solved."""


@dataclass(frozen=True)
class Choice:
    """An accepted verdict and its weight: 1 - the pass rate of its problem, at least LEAST_WEIGHT."""

    verdict: Verdict
    weight: float = 1.0


@dataclass
class Selection:
    """The choices, in the order of the input, and what was counted on the way."""

    choices: list[Choice] = field(default_factory=list)
    verdicts: int = 0
    failed: int = 0
    infra: int = 0
    truncated: int = 0
    repeated: int = 0
    always_solved: int = 0
    foreseen: int = 0

    def counts(self) -> dict[str, int]:
        """What was left out, and of how many; `always_solved` are rows of problems solved at every attempt, `foreseen`
        others that the model was nearly sure to write; some of these two are kept."""
        names = ("verdicts", "failed", "infra", "truncated", "repeated", "always_solved", "foreseen")
        return {name: getattr(self, name) for name in names}


class Distinct:
    """Admits at most `limit` solutions of a problem, each once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._seen: dict[str, set[str]] = {}

    def admit(self, sample: Sample) -> bool:
        """Whether the sample is new and there is room for it; remembers it if so."""
        seen = self._seen.setdefault(sample.problem.id, set())
        key = solution_key(sample)
        if key in seen or len(seen) >= self.limit:
            return False
        seen.add(key)
        return True


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


def select(verdicts: Iterable[Verdict], config: TrainConfig) -> Selection:
    """The training rows among `verdicts`. Only accepted samples are held in memory."""
    out = Selection()
    attempts: dict[str, _Attempts] = {}
    distinct = Distinct(config.max_per_problem)
    kept = [verdict for verdict in verdicts if _counted(verdict, out, attempts) and _new(verdict, out, distinct)]
    easy = [v for v in kept if attempts[v.sample.problem.id].rate == 1]
    foreseen = [v for v in kept if attempts[v.sample.problem.id].rate != 1 and _foreseen(v.sample)]
    out.always_solved, out.foreseen = len(easy), len(foreseen)
    dropped = _beyond_share(easy + foreseen, len(kept), config.seed)
    rates = {name: known.rate or 0.0 for name, known in attempts.items()}
    out.choices = [
        Choice(v, max(LEAST_WEIGHT, 1 - rates[v.sample.problem.id])) for v in kept if id(v) not in dropped
    ]
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
    admitted = distinct.admit(verdict.sample)
    out.repeated += not admitted
    return admitted


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
