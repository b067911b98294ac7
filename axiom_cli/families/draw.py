"""Endless problems, each at its place: the nth one depends on seed, split, family, level, form and n alone.

The nth problem is the first of `Random(f"{seed}/{split}/{family}/{level}/{n}")` whose content belongs to the split and
the level and was not among the n before. Content belongs to a split by its id, whatever the seed, so that no problem is
in two splits; and to one level where several can draw it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count as counting
from itertools import cycle, islice
from random import Random
from typing import Any

from axiom_cli import families
from axiom_cli.errors import NothingToDo, UsageError
from axiom_cli.families import plug_ins, programs
from axiom_cli.families.family import LEVELS, Exercise, Family
from axiom_cli.ids import content_id
from axiom_cli.records import Problem, Program

SPLITS = {"train": frozenset(range(8)), "val": frozenset({8}), "test": frozenset({9})}
FORMS = ("answer", "program")
NAMED = 5
"""Levels that an error names, of those that have too few problems."""


@dataclass
class Drawn:
    """A draw on its way to being a problem. `exercise` and `program` are None in the answer form."""

    id: str
    prompt: str
    task: Any
    exercise: Exercise | None = None
    program: Program | None = None


class Seen:
    """A set of 64-bit numbers other than 0, in at most 16 bytes each; in 27 for the moment in which it grows."""

    def __init__(self) -> None:
        self.count = 0
        self._slots = array("Q", bytes(8 * 1024))

    def add(self, number: int) -> bool:
        """Puts `number` in. False if it was there."""
        slots, size = self._slots, len(self._slots)
        at = number % size
        while slots[at]:
            if slots[at] == number:
                return False
            at += 1
            if at == size:
                at = 0
        slots[at] = number
        self.count += 1
        if 4 * self.count > 3 * size:
            self._grow()
        return True

    def _grow(self) -> None:
        size = len(self._slots) * 3 // 2
        slots = array("Q", [0]) * size
        for number in filter(None, self._slots):
            at = number % size
            while slots[at]:
                at = at + 1 if at + 1 < size else 0
            slots[at] = number
        self._slots = slots


def split_of(identity: str) -> str:
    """The split that a content id belongs to: 8 in 10 train, 1 in 10 val, 1 in 10 test."""
    bucket = int(identity[:8], 16) % 10
    return "train" if bucket < 8 else "val" if bucket == 8 else "test"


def owner(identity: str, levels: Sequence[int]) -> int:
    """The one of `levels` that content belongs to."""
    return levels[int(identity[8:16], 16) % len(levels)]


def parse_levels(text: str) -> range:
    """The levels that `3-7` or `5` names. Raises UsageError."""
    low, _, high = text.partition("-")
    try:
        levels = range(int(low), int(high or low) + 1)
    except ValueError:
        raise UsageError(f"{text!r} names no levels", "write LO-HI, such as 3-7, or one level") from None
    _check_levels(levels, text)
    return levels


def spelled(levels: Sequence[int]) -> str:
    """Levels in a row as `parse_levels` reads them."""
    return f"{levels[0]}-{levels[-1]}" if len(levels) > 1 else str(levels[0])


def _check_levels(levels: Sequence[int], text: object) -> None:
    if not levels or any(level not in LEVELS for level in levels):
        raise UsageError(f"levels {text} are not between {LEVELS[0]} and {LEVELS[-1]}, lowest first")


def draw_one(family: Family, level: int, form: str, random: Random) -> Drawn:
    """One draw, whatever its split."""
    task = family.draw(random, level)
    if form == "answer":
        prompt = family.statement(task)
        return Drawn(content_id([family.name, form, prompt], 16), prompt, task)
    exercise = family.exercise(task, level, random)
    try:
        prompt, program = programs.build(exercise)
    except programs.Flat:
        return draw_one(family, level, form, random)
    return Drawn(content_id([family.name, form, prompt], 16), prompt, task, exercise, program)


def draws(family: Family, level: int, split: str, seed: int, form: str) -> Iterator[Drawn]:
    """The distinct draws of one level that belong to `split`, in their order. Raises NothingToDo after the last."""
    random, seen, decided = Random(), Seen(), Seen()
    name, wanted, answer_form = family.name, SPLITS[split], form == "answer"
    n = 0
    while True:
        random.seed(f"{seed}/{split}/{name}/{level}/{n}")
        for _ in range(family.patience):
            task = family.draw(random, level)
            if answer_form:
                prompt = family.statement(task)
                drawn = None
            else:
                exercise = family.exercise(task, level, random)
                # Building a program runs it: an exercise that was taken or turned down before is not built again.
                if not decided.add(int(content_id([exercise.signature, exercise.returns], 16), 16)):
                    continue
                try:
                    prompt, program = programs.build(exercise)
                except programs.Flat:
                    continue
                drawn = Drawn("", prompt, task, exercise, program)
            identity = content_id([name, form, prompt], 16)
            if int(identity[:8], 16) % 10 not in wanted:
                continue
            levels = family.shared(task, level, form)
            if len(levels) > 1 and owner(identity, levels) != level:
                continue
            if seen.add(int(identity, 16)):
                break
        else:
            raise NothingToDo(
                f"{name} level {level} has no more than {seen.count} distinct {form} problems in split {split}",
                "ask for fewer, or for more levels (--difficulty) or families",
            )
        if drawn is None:
            drawn = Drawn(identity, prompt, task)
        drawn.id = identity
        yield drawn
        n += 1


def _rows(family: Family, level: int, split: str, seed: int, form: str) -> Iterator[dict[str, Any]]:
    """Problem records as plain dictionaries: `Problem.to_dict` of each problem of the stream, without the detour."""
    title = f"{family.name.replace('_', ' ')}, level {level}, number "
    for n, drawn in enumerate(draws(family, level, split, seed, form)):
        row = {
            "kind": "problem",
            "id": drawn.id,
            "family": family.name,
            "title": f"{title}{n}",
            "prompt": drawn.prompt,
            "level": level,
            "split": split,
        }
        if drawn.program is None:
            row["answer"] = family.answer(drawn.task)
            if family.open_ended:
                row["checker"] = family.name
        else:
            row["program"] = drawn.program.to_dict()
        row["origin"] = {
            "seed": seed,
            "split": split,
            "family": family.name,
            "level": level,
            "n": n,
            "form": form,
        }
        if family.open_ended:
            row["origin"].update(family.noted(drawn.task))
        yield row


def _lane(family: Family, level: int, split: str, seed: int, form: str, seen: Seen) -> Iterator[dict[str, Any]]:
    """Like `_rows`; but what a plug-in does amiss is its author's to put right, and told with the place; and as it need
    not say which level a question belongs to, what was `seen` at another level is left out."""
    if family.name in families.BUILT_IN:
        yield from _rows(family, level, split, seed, form)
        return
    drawn = _rows(plug_ins.checked(family), level, split, seed, form)
    for n in counting():
        with plug_ins.guarded(f"the plug-in family {family.name!r}, level {level}, problem {n}:"):
            row = next(drawn)
        if seen.add(int(row["id"], 16)):
            yield row


def _in_turn(lanes: Sequence[Iterator[dict[str, Any]]], turns: int) -> Iterator[dict[str, Any]]:
    """A row of each lane in turn. One that has no more misses its turns, and all such are named at the end."""
    ended: dict[int, NothingToDo] = {}
    for at in islice(cycle(range(len(lanes))), turns):
        if at in ended:
            if len(ended) == len(lanes):
                break
            continue
        try:
            row = next(lanes[at])
        except NothingToDo as error:
            ended[at] = error
        else:
            yield row
    if ended:
        few = [str(error) for error in ended.values()]
        more = f"; nor have {len(few) - NAMED} more levels" if len(few) > NAMED else ""
        raise NothingToDo("; ".join(few[:NAMED]) + more, next(iter(ended.values())).hint)


def stream(family: Family | str, level: int, split: str, seed: int, form: str = "answer") -> Iterator[Problem]:
    """The problems of one family and level, each once. Raises NothingToDo after the last."""
    found = _checked(family, (level,), split, form)
    return map(Problem.from_dict, _lane(found, level, split, seed, form, Seen()))


def rows(
    names: Sequence[str], count: int, levels: Sequence[int], split: str, seed: int, form: str = "answer"
) -> Iterator[dict[str, Any]]:
    """What `problems` yields, as dictionaries ready to be written: the fast way, for `problems gen`.

    Without `names`, of all families that work. A level that has no more problems misses its turns. Raises UsageError
    and MissingError at the call, NothingToDo after the last row where levels had too few.
    """
    if form not in FORMS:
        raise UsageError(f"no form called {form!r}", f"there are {', '.join(FORMS)}")
    wanted = dict.fromkeys(names) or [name for name in families.working() if form in families.get(name).forms]
    found = [_checked(name, levels, split, form) for name in wanted]
    if count < 0:
        raise UsageError(f"a count of {count}", "ask for 0 or more problems")
    seen = {family.name: Seen() for family in found}
    cells = [(family, level) for level in levels for family in found if level in family.has]
    lanes = [_lane(family, level, split, seed, form, seen[family.name]) for family, level in cells]
    return _in_turn(lanes, count)


def problems(
    names: Sequence[str], count: int, levels: Sequence[int], split: str, seed: int, form: str = "answer"
) -> Iterator[Problem]:
    """`count` problems, one of each (level, family) in turn. Raises as `rows` does."""
    return map(Problem.from_dict, rows(names, count, levels, split, seed, form))


def _checked(family: Family | str, levels: Sequence[int], split: str, form: str) -> Family:
    """The family, once everything asked of it is known to exist."""
    found = families.get(family) if isinstance(family, str) else family
    _check_levels(levels, list(levels))
    if split not in SPLITS:
        raise UsageError(f"no split called {split!r}", f"there are {', '.join(SPLITS)}")
    if not set(levels) & set(found.has):
        raise UsageError(f"{found.name} has no such levels", f"it has {spelled(found.has)} (--difficulty)")
    if form not in found.forms:
        raise UsageError(f"{found.name} has no {form!r} form", f"--form {' or '.join(found.forms)}")
    return found


def redraw(problem: Problem) -> Drawn | None:
    """The draw that `problem` came from, found again through its origin; None if it did not come from here."""
    origin = problem.extra.get("origin")
    if not isinstance(origin, dict) or origin.get("family") not in families.names():
        return None
    level, form = origin.get("level"), origin.get("form")
    family = families.get(origin["family"])
    if level not in LEVELS or form not in family.forms:
        return None
    random = Random(f"{origin.get('seed')}/{origin.get('split')}/{family.name}/{level}/{origin.get('n')}")
    for _ in range(family.patience):
        drawn = draw_one(family, level, form, random)
        if drawn.prompt == problem.prompt:
            return drawn
    return None
