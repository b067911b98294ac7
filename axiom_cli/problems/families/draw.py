"""Endless problems, each at its place: the nth one depends on seed, split, family, level, form and n alone.

The nth problem is the first of `Random(f"{seed}/{split}/{family}/{level}/{n}")` whose content belongs to the split and
the level and was not among the n before. Content belongs to a split by its id, whatever the seed, so that no problem is
in two splits; and to one level where several can draw it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count as counting
from itertools import cycle, islice
from random import Random
from typing import Any

from axiom_cli.errors import AxiomError, InputError, NothingToDoError, UsageError
from axiom_cli.ids import content_id
from axiom_cli.problems import families
from axiom_cli.problems.families import plug_ins, programs
from axiom_cli.problems.families.family import FORMS, LEVELS, Exercise, Family
from axiom_cli.problems.families.seen import Seen
from axiom_cli.records import Problem, Program

SPLITS = {"train": frozenset(range(8)), "val": frozenset({8}), "test": frozenset({9})}
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

    @property
    def asked(self) -> str:
        """What is asked, without the examples that a program's prompt adds to it."""
        return f"{self.exercise.signature} {self.exercise.returns}" if self.exercise else self.prompt


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
    while True:
        if drawn := _attempt(family, level, form, random):
            return drawn


def _attempt(family: Family, level: int, form: str, random: Random, seen: Seen | None = None) -> Drawn | None:
    """One draw. None for an exercise that makes no problem, and for one that was `seen`: building its program runs it,
    so that none is built again, whether it was taken or turned down."""
    task = family.draw(random, level)
    exercise = program = None
    if form == "answer":
        prompt = family.statement(task)
    else:
        exercise = family.exercise(task, level, random)
        if seen and not seen.add(_number([family.name, level, exercise.signature, exercise.returns])):
            return None
        try:
            prompt, program = programs.build(exercise)
        except programs.Flat:
            return None
    return Drawn(content_id([family.name, form, prompt], 16), prompt, task, exercise, program)


def _number(value: object) -> int:
    return int(content_id(value, 16), 16)


def draws(family: Family, level: int, split: str, seed: int, form: str, seen: Seen | None = None) -> Iterator[Drawn]:
    """The distinct draws of one level that belong to `split`, in their order. Raises NothingToDoError after the last.

    What was drawn is remembered in `seen`, where streams of other families and levels may remember theirs.
    """
    random, seen, cell = Random(), seen or Seen(), _number([family.name, level])
    for n in counting():
        random.seed(f"{seed}/{split}/{family.name}/{level}/{n}")
        for _ in range(family.patience):
            drawn = _attempt(family, level, form, random, seen)
            if drawn and _belongs(drawn, family, level, split, form) and seen.add(int(drawn.id, 16) ^ cell):
                break
        else:
            raise NothingToDoError(
                f"{family.name} level {level} has no more than {n} distinct {form} problems in split {split}",
                "ask for fewer, or for more levels (--difficulty) or families",
            )
        yield drawn


def _belongs(drawn: Drawn, family: Family, level: int, split: str, form: str) -> bool:
    if int(drawn.id[:8], 16) % 10 not in SPLITS[split]:
        return False
    levels = family.shared(drawn.task, level, form)
    return len(levels) == 1 or owner(drawn.id, levels) == level


def _problems(family: Family, level: int, split: str, seed: int, form: str, seen: Seen) -> Iterator[Problem]:
    """The records of one level's draws."""
    name, open_ended = family.name, family.open_ended
    title = f"{name.replace('_', ' ')}, level {level}, number "
    checker = name if open_ended and form == "answer" else None
    for n, drawn in enumerate(draws(family, level, split, seed, form, seen)):
        origin = {"seed": seed, "split": split, "family": name, "level": level, "n": n, "form": form}
        if open_ended:
            origin = {**origin, **family.noted(drawn.task), **origin}
        answer = None if drawn.program else family.answer(drawn.task)
        extra = {"origin": origin}
        yield Problem(
            drawn.id, name, f"{title}{n}", drawn.prompt, level, split, answer, checker, drawn.program, extra=extra
        )


def _lane(family: Family, level: int, split: str, seed: int, form: str, seen: Seen) -> Iterator[Problem]:
    """Like `_problems`; but what a plug-in does amiss is its author's to put right, and told with the place; and as it
    need not say which level a question belongs to, what was `seen` at another level is left out."""
    if family.name in families.BUILT_IN:
        yield from _problems(family, level, split, seed, form, seen)
        return
    drawn, every_level = _problems(plug_ins.checked(family), level, split, seed, form, seen), _number([family.name])
    for n in counting():
        with plug_ins.attribute_errors(f"the plug-in family {family.name!r}, level {level}, problem {n}:"):
            problem = next(drawn)
            plug_ins.check_record(problem)
        if seen.add(int(problem.id, 16) ^ every_level):
            yield problem


def _in_turn(lanes: Sequence[Iterator[Problem]], turns: int) -> Iterator[Problem]:
    """A problem of each lane in turn. One that has no more, or whose family fails, misses its turns from then on. All
    such are named at the end, the failures alone where there are any."""
    ended: dict[int, AxiomError] = {}
    for at in islice(cycle(range(len(lanes))), turns):
        if at in ended:
            if len(ended) == len(lanes):
                break
            continue
        try:
            problem = next(lanes[at])
        except (NothingToDoError, InputError) as error:
            ended[at] = error
        else:
            yield problem
    if failed := [error for error in ended.values() if isinstance(error, InputError)]:
        raise failed[0]
    if ended:
        few = [str(error) for error in ended.values()]
        more = f"; nor have {len(few) - NAMED} more levels" if len(few) > NAMED else ""
        raise NothingToDoError("; ".join(few[:NAMED]) + more, next(iter(ended.values())).hint)


def stream(family: Family | str, level: int, split: str, seed: int, form: str = "answer") -> Iterator[Problem]:
    """The problems of one family and level, each once. Raises NothingToDoError after the last."""
    return _lane(_checked(family, (level,), split, form), level, split, seed, form, Seen())


def problems(
    names: Sequence[str], count: int, levels: Sequence[int], split: str, seed: int, form: str = "answer"
) -> Iterator[Problem]:
    """`count` problems, one of each (level, family) in turn.

    Without `names`, of all families that work and have such levels. A level that has no more problems misses its turns.
    Raises UsageError and MissingError at the call; after the last problem InputError where a plug-in failed, and
    NothingToDoError where levels had too few.
    """
    if form not in FORMS:
        raise UsageError(f"no form called {form!r}", f"there are {', '.join(FORMS)}")
    wanted = dict.fromkeys(names) or [name for name in families.working() if _offers(name, levels, form)]
    found = [_checked(name, levels, split, form) for name in wanted]
    if count < 0:
        raise UsageError(f"a count of {count}", "ask for 0 or more problems")
    seen = Seen()
    cells = [(family, level) for level in levels for family in found if level in family.has]
    return _in_turn([_lane(family, level, split, seed, form, seen) for family, level in cells], count)


def _offers(name: str, levels: Sequence[int], form: str) -> bool:
    family = families.get(name)
    return form in family.forms and bool(set(levels) & set(family.has))


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
