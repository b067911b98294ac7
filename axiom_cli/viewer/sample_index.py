"""The verdicts of one evaluation as a list to choose from: each line's place and what it can be filtered by. A whole
verdict is read when it is opened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from axiom_cli import json_codec, jsonl
from axiom_cli.errors import InputError
from axiom_cli.files import open_regular
from axiom_cli.problems import answers
from axiom_cli.problems.written_programs import written_program
from axiom_cli.records import Verdict

STATUSES = ("pass", "fail", "infra")
ALL = ""
"""A filter that lets everything pass."""


class Entry(NamedTuple):
    """A verdict: where its line begins and how long it is, and what it can be filtered by."""

    offset: int
    length: int
    family: str
    level: int
    status: str
    temperature: float
    truncated: bool
    answer: str


@dataclass(frozen=True)
class Filter:
    """What is shown; an empty family or status and level 0 stand for every one."""

    family: str = ALL
    level: int = 0
    status: str = ALL

    def keeps(self, entry: Entry) -> bool:
        """Whether the entry is shown."""
        return (
            self.family in (ALL, entry.family) and self.level in (0, entry.level) and self.status in (ALL, entry.status)
        )


class SampleIndex:
    """The verdicts in a file of an experiment's evaluations/; reading it costs a fraction of a second for ten thousand
    of them. Raises InputError where the file cannot be read as such."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[Entry] = []
        offset = 0
        with os.fdopen(open_regular(path), "rb") as stream:
            for number, line in enumerate(jsonl.bounded(stream), 1):
                self.entries += [_entry(line, offset, number, path)] if line.strip() else []
                offset += len(line)

    @property
    def families(self) -> list[str]:
        """Every family, sorted."""
        return sorted({entry.family for entry in self.entries})

    @property
    def levels(self) -> list[int]:
        """Every level, sorted."""
        return sorted({entry.level for entry in self.entries})

    def matching(self, chosen: Filter) -> list[Entry]:
        """The entries that the filter keeps, in the order of the file."""
        return [entry for entry in self.entries if chosen.keeps(entry)]

    def read(self, entry: Entry) -> Verdict:
        """The whole verdict. InputError where the file has changed under it."""
        with os.fdopen(open_regular(self.path), "rb") as stream:
            stream.seek(entry.offset)
            return jsonl.parse(stream.read(entry.length), 0, Verdict)


def _entry(line: bytes, offset: int, number: int, path: Path) -> Entry:
    try:
        verdict = json_codec.loads(line)
        sample = verdict["sample"]
        problem = sample["problem"]
        return Entry(
            offset,
            len(line),
            str(problem["family"]),
            int(problem["level"]),
            str(verdict["status"]),
            float(sample["params"].get("temperature", 0.0)),
            sample.get("finish") == "length",
            str(problem.get("answer") or ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: line {number} is not a verdict", "axiom loop writes the file anew") from None


def following(values: Sequence[str | int], value: str | int, nothing: str | int) -> str | int:
    """What a filter turns to: nothing, then each value, then nothing again."""
    turns = [nothing, *values]
    return turns[(turns.index(value) + 1) % len(turns)] if value in turns else nothing


def opened(verdict: Verdict) -> list[tuple[str, str]]:
    """A verdict to be read: headings and texts."""
    sample, problem = verdict.sample, verdict.sample.problem
    said = written_program(sample) if problem.program else answers.read_answer(sample.text)
    how = f"{sample.model.name}, T = {float(sample.params.get('temperature', 0.0)):g}, {sample.tokens:,} tokens"
    cut_off = ", cut off at the longest length" * (sample.finish == "length")
    tests = f", {verdict.passed_tests} of {verdict.total_tests} tests" if problem.program else ""
    reason = f": {verdict.reason}" if verdict.reason else ""
    right = [("Right answer", problem.answer)] if problem.answer is not None else []
    return [
        ("Problem", f"{problem.title} ({problem.id})"),
        ("Verdict", f"{verdict.status}{tests}{reason}"),
        *right,
        ("Its answer", said or "none that could be read"),
        ("Prompt", problem.prompt),
        ("What it wrote", sample.text),
        ("How", f"{how}{cut_off}"),
    ]
