"""A whole experiment made by hand: four families, five levels, four iterations, two control arms, seeded chances."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import orjson

from axiom_cli import jsonl
from axiom_cli.evaluation.metrics import evaluate, phase_row
from axiom_cli.records import Metrics, ModelRef, Problem, Sample, Verdict

FAMILIES = ("arithmetic", "list_ops", "parentheses", "rpn")
LEVELS = range(3, 8)
RATES = {"": (0.35, 0.5, 0.62, 0.66), "shuffled": (0.35, 0.33, 0.36, 0.34), "cold-only": (0.35, 0.4, 0.41, 0.42)}


def problem(family: str, level: int, number: int, split: str = "val") -> Problem:
    """A problem whose answer is `number`."""
    return Problem(f"{split}-{family}-{level}-{number}", family, family, f"Say {number}.", level, split, str(number))


def verdict(of: Problem, good: bool, temperature: float = 0.0, index: int = 0, status: str = "") -> Verdict:
    """One judged completion; the right ones reasoned."""
    text = f"<think>\n{'so' if good else ''}\n</think>\nAnswer: {of.answer if good else 'no'}"
    params = {"temperature": temperature, "top_p": 1.0, "max_tokens": 64, "seed": 0}
    sample = Sample(of, ModelRef("nano", "d" * 64), "scripted", params, index, 0, text, [1, 2, 3], "stop", 3)
    return Verdict(sample, status or ("pass" if good else "fail"), int(good), 1, "", "exact")


def verdicts(split: str, rate: float, iteration: int, each: int, samples: int, arm: str = "") -> Iterator[Verdict]:
    """Greedy ones, then `samples` at T = 0.7. A problem keeps its difficulty over iterations, so pairing helps."""
    for temperature, count in ((0.0, 1), (0.7, samples)):
        for number in range(each):
            for i, family in enumerate(FAMILIES):
                for level in LEVELS:
                    of = problem(family, level, number, split)
                    luck = Random(f"{of.id}/{iteration}/{arm}/{temperature}").random()
                    hard = Random(of.id).random() * 0.7 + luck * 0.3
                    chance = rate + (5 - level) * 0.09 + (i - 1.5) * 0.06
                    for index in range(count):
                        noise = Random(f"{of.id}/{iteration}/{arm}/{index}").random() * 0.25 * bool(temperature)
                        yield verdict(of, hard + noise < chance, temperature, index)


def make(folder: Path, each: int = 8, samples: int = 8, iterations: int = 4) -> Path:
    """Writes the experiment's folder and gives it back."""
    name, rows = folder.name, []
    best = iterations - 1
    for arm, rates in RATES.items():
        full = f"{name}+{arm}" if arm else name
        for iteration in range(iterations):
            for split, count in (("val", each), ("test", 2 * each)):
                if split == "test" and iteration not in (0, best):
                    continue
                found = list(verdicts(split, rates[iteration], iteration, count, samples, arm))
                suffix = f"+{arm}" if arm else ""
                jsonl.save(folder / "evaluations" / f"{split}_{iteration}{suffix}.jsonl", found)
                extra = {"arm": arm, "model": "nano" if iteration == 0 else f"{full}@{iteration}"}
                extra["digest"] = f"{iteration}{len(arm)}ab" * 16
                rows += evaluate(found, full, iteration, split, 9.0 + iteration, extra)
            if iteration < best:
                rows += rounds(full, iteration)
    jsonl.save(folder / "metrics.jsonl", rows)
    config = {"experiment": name, "iterations": best, "lr": 0.001, "seed": 0, "problem_types": FAMILIES}
    (folder / "config.json").write_bytes(orjson.dumps(config))
    return folder


def rounds(name: str, iteration: int) -> list[Metrics]:
    """The phases of a round."""
    mix = {"new": 0.9, "history": 0.0, "cold": 0.1} if iteration == 0 else {"new": 0.52, "history": 0.38, "cold": 0.1}
    certificate = {"moved": 0.98, "cosine": 0.9999, "relative_error": 0.001}
    return [
        phase_row(name, iteration, "collect", 61.5, 410_000, 8000, 3600),
        phase_row(name, iteration, "train", 44.2, 230_000, 2400, 0, {"replay": mix}),
        phase_row(name, iteration, "merge", 1.4, extra={"certificate": certificate}),
    ]
