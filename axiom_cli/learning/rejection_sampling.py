"""Rejection sampling: which accepted solutions become training examples, and how much each counts.

Accepted samples only, and never one that was cut off; `infra` is not a label, for or against. At most a few distinct
solutions of a problem (2412.17256: diversity is what self-training loses first), each weighted by how rarely its
problem is solved (2504.11343), and few uninformative ones: solutions of problems that are always solved, and those that
the model was nearly sure to write.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from axiom_cli import syntax
from axiom_cli.errors import NothingToDoError
from axiom_cli.ids import content_id
from axiom_cli.learning.training_example import Screen, TrainingExample, without_seen
from axiom_cli.problems import written_programs
from axiom_cli.records import Sample, Verdict
from axiom_cli.sampling.prompts import PROMPT_DIGEST
from axiom_cli.settings.configs import TrainConfig

LOW_SURPRISAL = 0.1
"""Nats: a solution whose negative log-probability under the model is below this (it was 0.9 likely) is uninformative. A
gradient step on it changes next to nothing, at the full price."""
ENOUGH_ROWS = 200
"""With fewer rows than this, uninformative ones fill up, whatever their share: too few rows make a model worse."""
MIN_WEIGHT = 0.1
"""Weight of a row whose problem is always, or nearly always, solved."""
MANY_CUT_OFF = 0.1
"""Share of samples that ran into their length limit from which on you are warned."""
CONVERSATION = "messages"
"""What a sample that was tried again holds: the conversation that it continued."""
ALL_INFRA = "every verdict is infra, which says nothing about the sample: see the reason in each"


@dataclass
class Selection:
    """The examples, in the order of the input, and what was counted on the way.

    `failed + infra + truncated + screened + repeated + capped + dropped` and the examples add up to `verdicts`.
    `truncated` were accepted although cut off; `cut_off` counts all samples that were, accepted or not. `always_solved`
    are rows of problems solved at every attempt, `low_surprisal` others that the model was nearly sure to write;
    `dropped` are those of these two that there was no room for. `retried` rows passed after feedback.
    """

    examples: list[TrainingExample] = field(default_factory=list)
    verdicts: int = 0
    failed: int = 0
    infra: int = 0
    truncated: int = 0
    screened: int = 0
    repeated: int = 0
    capped: int = 0
    always_solved: int = 0
    low_surprisal: int = 0
    dropped: int = 0
    cut_off: int = 0
    retried: int = 0

    @property
    def cut_off_rate(self) -> float:
        """The share of all samples that were cut off."""
        return self.cut_off / max(1, self.verdicts)

    def counts(self) -> dict[str, Any]:
        """Every number by its name in records: the counts (`low_surprisal` is called `foreseen` there, and `retried` is
        left out where it is 0), `kept`, `problems` of the rows, `truncation_rate`, and the `min`, `mean` and `max` of
        the rows' `weights`."""
        names = {"low_surprisal": "foreseen"}
        numbers = {names.get(name, name): value for name, value in vars(self).items() if name != "examples"}
        if not self.retried:
            del numbers["retried"]
        weights = [example.weight for example in self.examples] or [0.0]
        figures = {"min": min(weights), "mean": sum(weights) / len(weights), "max": max(weights)}
        return {
            **numbers,
            "kept": len(self.examples),
            "problems": len({example.verdict.sample.problem.id for example in self.examples}),
            "truncation_rate": round(self.cut_off_rate, 4),
            "weights": {name: round(figure, 4) for name, figure in figures.items()},
        }

    @property
    def summary(self) -> str:
        """What became of the samples, in a line."""
        gone = {
            f"{self.failed:,} failed": self.failed,
            f"{self.infra:,} infra": self.infra,
            f"{self.truncated:,} accepted but cut off": self.truncated,
            f"{self.screened:,} in the evaluation": self.screened,
            f"{self.repeated:,} the same solution": self.repeated,
            f"{self.capped:,} beyond the cap": self.capped,
            f"{self.dropped:,} uninformative": self.dropped,
        }
        parts = [text for text, count in gone.items() if count]
        kept = f"{len(self.examples):,} kept" + f" ({self.retried:,} after feedback)" * bool(self.retried)
        return f"{self.verdicts:,} samples: {', '.join([*parts, kept])}"

    def check_trainable(self) -> None:
        """NothingToDoError, with the reason, where there is no solution to learn from."""
        if self.examples:
            return
        hint = f"none of {self.verdicts} passed: lower --difficulty, raise --samples, or begin with axiom coldstart"
        if not self.verdicts:
            hint = "the input is empty: axiom verify writes verdict records"
        elif self.infra == self.verdicts:
            hint = ALL_INFRA
        elif self.screened:
            hint = f"{self.screened} accepted solutions are of problems held out for evaluation (--decontaminate)"
        elif self.truncated:
            hint = f"{self.truncated} accepted solutions were cut off: raise --max-tokens of axiom solve"
        raise NothingToDoError("no accepted solution to train on", hint)


class Deduplicator:
    """Admits at most `limit` solutions of a problem, each once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._seen: dict[str, set[str]] = {}

    def check_sample(self, sample: Sample) -> Literal["admitted", "repeated", "capped"]:
        """`repeated` for a solution that was admitted before, `capped` where there is no room for it; otherwise it is
        admitted, and remembered."""
        seen = self._seen.setdefault(sample.problem.id, set())
        key = solution_key(sample)
        if key in seen:
            return "repeated"
        if len(seen) >= self.limit:
            return "capped"
        seen.add(key)
        return "admitted"

    def admit(self, sample: Sample) -> bool:
        """As `check_sample`: whether the sample is admitted."""
        return self.check_sample(sample) == "admitted"


@dataclass
class _Attempts:
    """What is known of one problem. Only attempts of the model itself, whose token ids are known, give a rate."""

    passed: int = 0
    failed: int = 0
    sampled: bool = True

    @property
    def rate(self) -> float | None:
        """The pass rate; None where one attempt, or a teacher's, says nothing about how hard the problem is."""
        total = self.passed + self.failed
        return self.passed / total if self.sampled and total > 1 else None


def select_solutions(
    verdicts: Iterable[Verdict], config: TrainConfig, screen: Screen | None = None, *, weighted: bool = True
) -> Selection:
    """The training examples among `verdicts`, without the samples that `screen` knows. Only accepted samples are held
    in memory. Unless `weighted`, each counts the same, and none is uninformative: pass rates and probabilities play no
    part."""
    out = Selection()
    attempts: dict[str, _Attempts] = {}
    accepted = [verdict for verdict in verdicts if _count(verdict, out, attempts)]
    unseen, out.screened = without_seen(accepted, screen)
    deduplicator = Deduplicator(config.max_per_problem)
    results = [deduplicator.check_sample(verdict.sample) for verdict in unseen]
    out.repeated, out.capped = results.count("repeated"), results.count("capped")
    kept = [verdict for verdict, result in zip(unseen, results, strict=True) if result == "admitted"]
    rates = {problem: known.rate if weighted else None for problem, known in attempts.items()}
    easy = [v for v in kept if rates[v.sample.problem.id] == 1]
    others = [v for v in kept if rates[v.sample.problem.id] != 1]
    likely = [v for v in others if weighted and v.sample.logprob is not None and -v.sample.logprob < LOW_SURPRISAL]
    out.always_solved, out.low_surprisal = len(easy), len(likely)
    dropped = _beyond_share(easy + likely, len(kept), config)
    out.dropped = len(dropped)
    out.examples = [
        TrainingExample(_as_asked(v), weight=max(MIN_WEIGHT, 1 - (rates[v.sample.problem.id] or 0.0)))
        for v in kept
        if id(v) not in dropped
    ]
    out.retried = sum(example.verdict.sample.attempt > 1 for example in out.examples)
    return out


def _as_asked(verdict: Verdict) -> Verdict:
    """The verdict as an answer to its problem alone: what passed after feedback is learnt without the conversation that
    led to it, since the problem alone is what the model is asked. Its `attempt` still says where it comes from, and
    what was measured of it in its conversation is left out."""
    sample = verdict.sample
    if CONVERSATION not in sample.extra:
        return verdict
    extra = {name: value for name, value in sample.extra.items() if name not in (CONVERSATION, PROMPT_DIGEST)}
    return replace(verdict, sample=replace(sample, logprob=None, extra=extra))


def _count(verdict: Verdict, out: Selection, attempts: dict[str, _Attempts]) -> bool:
    """Counts the verdict; whether it may become an example."""
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


def _beyond_share(uninformative: list[Verdict], total: int, config: TrainConfig) -> set[int]:
    """The `id`s of the uninformative rows that there is no room for; the seed says which."""
    share, informative = config.uninformative, total - len(uninformative)
    if share == 1:
        return set()
    room = max(round(informative * share / (1 - share)), ENOUGH_ROWS - informative)

    def place(verdict: Verdict) -> str:
        sample = verdict.sample
        return content_id([config.seed, sample.problem.id, sample.index, sample.attempt])

    order = sorted(uninformative, key=place)
    return {id(verdict) for verdict in order[room:]}


def solution_key(sample: Sample) -> str:
    """Equal for solutions that differ in nothing that matters: a program's syntax tree without comments and docstrings,
    a trace's words without its white space."""
    code = written_programs.written_program(sample)
    tree = syntax.parse(code) if code else None
    return content_id(ast.dump(_without_docstrings(tree)) if tree else " ".join(sample.text.split()), 32)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """The same tree, changed in place. A docstring that is a whole body stays, since a body cannot be empty."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not (isinstance(body, list) and len(body) > 1):
            continue
        first = body[0]
        if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str):
            node.body = body[1:]  # type: ignore[attr-defined]  # whatever node has a list of statements
    return tree
