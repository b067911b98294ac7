"""Writes `table.json` by examining every data set: `python -m axiom_cli.problems.families.gym.survey`, 15 minutes.

Two processes with different hash seeds draw the same entries, one of them in reverse. A data set is left out, with the
reason, if the two differ, if it is too slow or has no answers, or if its scorer refuses its own answer or accepts
answers to other questions.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

from axiom_cli.ids import content_id
from axiom_cli.problems.families import gym
from axiom_cli.problems.families.gym import judging, scorer

NUMBERS = [content_id(n, 7) for n in range(24)]
SLOWEST = 0.15  # seconds of processor time a draw
PATIENCE = 60  # seconds of processor time a data set
MOST_LEVELS = 10
LENIENT = 0.3
FAILURES = (ValueError, TypeError, LookupError, AssertionError, RuntimeError, ArithmeticError, OSError)
SELDOM = {"number_sequence": "a few of its entries take for ever to be made"}  # what so few draws may miss
GARBAGE = ("0", "nothing", "x x", "[]", "{}")


class TooSlowError(Exception):
    """A draw did not end in time."""


def draws(name: str, numbers: list[str], levels: int, most: int = MOST_LEVELS, *, fresh: bool) -> dict[str, list[Any]]:
    """(question, answer) of some entries at each level, by number, up to the first level that is slow or in which most
    entries cannot be drawn."""
    measured: dict[str, list[Any]] = {}
    for level in list(gym.levels_of(levels))[:most]:
        rows = {}
        try:
            if not fresh:
                scorer.data_set(name, level, levels)
            began = time.process_time()
            for number in numbers:
                rows[number] = _pair(name, level, levels, int(number, 16), fresh=fresh)
                if time.process_time() - began > SLOWEST * len(numbers):
                    return measured
        except (TooSlowError, *FAILURES) as error:  # a curriculum's own top levels may be invalid
            print(f"{name}, level {level}: {error!r:.100}", file=sys.stderr)
            return measured
        if sum(map(bool, rows.values())) < len(rows) / 2:
            return measured
        measured[str(level)] = [rows[number] for number in sorted(rows)]
    return measured


def _pair(name: str, level: int, levels: int, number: int, *, fresh: bool) -> list[Any] | None:
    """The question and answer of an entry; None if there is none. An entry that uses the shared random state also gets
    the process id, on which no two processes agree."""
    before = random.getstate()
    try:
        row = scorer.entry(name, level, levels, number, fresh=fresh)
    except gym.NO_ENTRY:
        return None
    mark = [] if random.getstate() == before else [os.getpid()]
    return [row["question"], row["answer"], *mark]


def curriculum_levels(name: str) -> int:
    """How many levels a data set's curriculum has, at most ten; 1 without one."""
    from reasoning_gym.factory import CURRICULA

    if name not in CURRICULA:
        return 1
    return min(MOST_LEVELS, max([1, *(len(attribute.levels) for attribute in CURRICULA[name]().attributes.values())]))


def all_draws(*, backwards: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """What one process draws from every data set."""
    from reasoning_gym.factory import DATASETS

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooSlowError

    signal.signal(signal.SIGPROF, stop)
    numbers = NUMBERS[::-1] if backwards else NUMBERS
    for name in sorted(DATASETS):
        levels = curriculum_levels(name)
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)
        shared, own = (draws(name, NUMBERS[:3], levels, 1, fresh=fresh) for fresh in (False, True))
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)
        alone = shared != own or not shared
        yield name, {"fresh": alone, "levels": draws(name, numbers, levels, fresh=alone)}
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(name, file=sys.stderr)


def judged(name: str, one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any] | str:
    """The data set's row of the table, or why it is left out."""
    from reasoning_gym.dataset import ProceduralDataset
    from reasoning_gym.factory import DATASETS

    cls = DATASETS[name][0]
    mine, theirs = one["levels"], other["levels"]
    if not mine or not theirs:
        return "it cannot be drawn from, or not in reasonable time"
    same = _common(mine, theirs)
    if not same or list(mine.values())[same:][:1] and list(theirs.values())[same:][:1]:
        return "what it draws depends on the process or on what was drawn before"
    if same == 1 < curriculum_levels(name):
        return "only the first level of its curriculum can be drawn from, or in reasonable time"
    pairs = [pair for rows in list(mine.values())[:same] for pair in rows if pair]
    if not all(isinstance(answer, str) and answer.strip() for _, answer, *_ in pairs):
        return "it has no answers of its own"
    row = {"category": cls.__module__.split(".")[1], "levels": same, "fresh": one["fresh"], "scorer": False}
    if cls.score_answer is ProceduralDataset.score_answer:
        return row
    return _scored(name, row | {"scorer": True}, pairs)


def _common(one: dict[str, Any], other: dict[str, Any]) -> int:
    """On how many levels, from the lowest, the two processes agree."""
    count = 0
    for mine, theirs in zip(one.values(), other.values(), strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _scored(name: str, row: dict[str, Any], pairs: list[Any]) -> dict[str, Any] | str:
    """Tries right and wrong answers on the scorer, in the sandbox, at the lowest and the highest level."""
    levels, taken, wrong = row["levels"], 0, 0
    places = [(level, place) for level in {1, levels} for place in range(4)]
    for level, place in places:
        real = level if levels > 1 else scorer.ALONE
        number = int(NUMBERS[place], 16)
        if not _pair(name, real, levels, number, fresh=row["fresh"]):
            continue
        entry = scorer.entry(name, real, levels, number, fresh=row["fresh"])
        own = entry["answer"]
        line = own if "\n" not in own.strip() else gym.as_lines(" ".join(own.split()), own)
        if not judging.accepts(name, real, levels, line, entry):
            return "its scorer refuses its own answers, written on one line, or needs files"
        others = [answer for _, answer, *_ in pairs if answer.split() != own.split()][place::7][:2]
        for answer in [*others, *GARBAGE[place % 5 :][:2]]:
            wrong += 1
            taken += bool(judging.accepts(name, real, levels, answer, entry))
    return row if taken <= LENIENT * wrong else "its scorer takes answers to other questions"


def survey() -> dict[str, Any]:
    """The whole table."""
    command = [sys.executable, "-m", "axiom_cli.problems.families.gym.survey", "draw"]
    children = [
        subprocess.Popen([*command, word], env={**os.environ, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE)
        for word, seed in (("forwards", "1"), ("backwards", "2"))
    ]
    one, other = (json.loads(child.communicate()[0].splitlines()[-1]) for child in children)
    measured = {name: SELDOM.get(name) or judged(name, one[name], other[name]) for name in one}
    listed = {name: row for name, row in measured.items() if isinstance(row, dict)}
    left_out = {name: row for name, row in measured.items() if isinstance(row, str)}
    return {"version": metadata.version(gym.PACKAGE), "listed": listed, "left_out": left_out}


if __name__ == "__main__":
    if sys.argv[1:2] == ["draw"]:
        print("\n" + json.dumps(dict(all_draws(backwards=sys.argv[2] == "backwards"))))
    else:
        Path(__file__).with_name("table.json").write_text(json.dumps(survey(), indent=1) + "\n", "utf-8")
