"""Endless problems: the nth one depends on seed, split, family, level, form and n alone.

The nth problem is the first of `Random(f"{seed}/{split}/{family}/{level}/{n}")` whose content belongs to the split and
the level and is not among the n before it. Content belongs to one split by its id, whatever the seed, so that no
problem is in two splits; and to one level, if several can draw it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count as counting
from itertools import cycle, islice
from random import Random
from typing import Any

from axiom_cli.errors import AxiomError, InputError, NothingToDoError, UsageError
from axiom_cli.ids import content_id
from axiom_cli.problems import families
from axiom_cli.problems.families import plug_ins, programs
from axiom_cli.problems.families.family import EVERY_LEVEL, FORMS, LEVELS, Exercise, Family
from axiom_cli.problems.families.number_set import NumberSet
from axiom_cli.records import Problem, Program

SPLITS = {"train": frozenset(range(8)), "val": frozenset({8}), "test": frozenset({9})}
FURTHER = "a family that has more, such as stack_listing (axiom problems list)"
LISTED = 5
"""Levels with too few problems that an error lists."""


@dataclass
class Drawn:
    """A draw before it becomes a problem. `exercise` and `program` are None in the answer form."""

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
    """The levels of a text such as `3-7` or `5`. Raises UsageError."""
    low, _, high = text.partition("-")
    try:
        levels = range(int(low), int(high or low) + 1)
    except ValueError:
        raise UsageError(f"{text!r} is not a range of levels", "write LO-HI, such as 3-7, or one level") from None
    _check_levels(levels, text)
    return levels


def format_levels(levels: Sequence[int]) -> str:
    """Consecutive levels as `parse_levels` reads them."""
    return f"{levels[0]}-{levels[-1]}" if len(levels) > 1 else str(levels[0])


def say_levels(levels: Sequence[int]) -> str:
    """`level 3`, `levels 3-7`."""
    return f"level{'s' * (len(levels) > 1)} {format_levels(levels)}"


def _check_levels(levels: Sequence[int], text: object) -> None:
    hint = "write LO-HI, such as 3-7, or one level"
    if not levels:
        raise UsageError(f"levels {text}: the lower one comes first", hint)
    if any(level not in EVERY_LEVEL for level in levels):
        what = f"level {text} is" if len(levels) == 1 else f"levels {text} are"
        raise UsageError(f"{what} not between {EVERY_LEVEL[0]} and {EVERY_LEVEL[-1]}", hint)


def check_far_levels(wanted: Sequence[Family], levels: Sequence[int]) -> None:
    """Raises UsageError where the highest of `levels` is above 10 and above those of each family `wanted`."""
    highest = max(LEVELS[-1], *(level for family in wanted for level in family.has))
    if max(levels) > highest:
        which = f"{wanted[0].name} has no" if len(wanted) == 1 else "none of these families has a"
        asked_for = f"{say_levels(levels)} {'was' if len(levels) == 1 else 'were'} asked for"
        hint = f"ask for levels up to {highest}, or for {FURTHER}"
        raise UsageError(f"{which} level above {highest}, and {asked_for}", hint)


def draw_one(family: Family, level: int, form: str, random: Random) -> Drawn:
    """One draw, of any split."""
    while True:
        if drawn := _attempt(family, level, form, random):
            return drawn


def _attempt(family: Family, level: int, form: str, random: Random, seen: NumberSet | None = None) -> Drawn | None:
    """One draw. None for an exercise that makes no problem, and for one that was `seen`: building its program runs it,
    so it is never built again, whether it became a problem or not."""
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
        except programs.ConstantResultError:
            return None
    return Drawn(content_id([family.name, form, prompt], 16), prompt, task, exercise, program)


def _number(value: object) -> int:
    return int(content_id(value, 16), 16)


@dataclass(frozen=True)
class _Stream:
    """The problems of one family, level, split, seed and form, each once."""

    family: Family
    level: int
    split: str
    seed: int
    form: str

    def draws(self, seen: NumberSet) -> Iterator[Drawn]:
        """The distinct draws, in order. `seen` remembers them, and may be shared with other streams. Raises
        NothingToDoError after the last."""
        family, level, split = self.family, self.level, self.split
        random, own = Random(), _number([family.name, level])
        for n in counting():
            random.seed(f"{self.seed}/{split}/{family.name}/{level}/{n}")
            for _ in range(family.patience):
                drawn = _attempt(family, level, self.form, random, seen)
                if drawn and self._owns(drawn) and seen.add(int(drawn.id, 16) ^ own):
                    break
            else:
                raise NothingToDoError(
                    f"{family.name} level {level} has only {n} distinct {self.form} problems in split {split}",
                    "ask for fewer, or for more levels (--difficulty) or families",
                )
            yield drawn

    def _owns(self, drawn: Drawn) -> bool:
        if int(drawn.id[:8], 16) % 10 not in SPLITS[self.split]:
            return False
        levels = self.family.shared(drawn.task, self.level, self.form)
        return len(levels) == 1 or owner(drawn.id, levels) == self.level

    def problems(self, seen: NumberSet) -> Iterator[Problem]:
        """The records. What a plug-in does wrong is an InputError with the place; and since a plug-in need not say
        which level a question belongs to, what was `seen` at another level is left out."""
        if self.family.name in families.BUILT_IN:
            yield from self.records(seen)
            return
        records = replace(self, family=plug_ins.checked(self.family)).records(seen)
        every_level = _number([self.family.name])
        for n in counting():
            with plug_ins.attribute_errors(
                f"the plug-in family {self.family.name!r}, level {self.level}, problem {n}:"
            ):
                problem = next(records)
                plug_ins.check_record(problem)
            if seen.add(int(problem.id, 16) ^ every_level):
                yield problem

    def records(self, seen: NumberSet) -> Iterator[Problem]:
        """The records as the family gives them."""
        family, name = self.family, self.family.name
        title = f"{name.replace('_', ' ')}, level {self.level}, number "
        checker = name if family.open_ended and self.form == "answer" else None
        for n, drawn in enumerate(self.draws(seen)):
            origin = {
                "seed": self.seed,
                "split": self.split,
                "family": name,
                "level": self.level,
                "n": n,
                "form": self.form,
            }
            if family.open_ended:
                origin = {**origin, **family.noted(drawn.task), **origin}
            yield Problem(
                drawn.id,
                name,
                f"{title}{n}",
                drawn.prompt,
                self.level,
                self.split,
                None if drawn.program else family.answer(drawn.task),
                checker,
                drawn.program,
                extra={"origin": origin},
            )


def draws(family: Family, level: int, split: str, seed: int, form: str) -> Iterator[Drawn]:
    """The distinct draws of one level that belong to `split`, in order. Raises NothingToDoError after the last."""
    return _Stream(family, level, split, seed, form).draws(NumberSet())


def stream(family: Family | str, level: int, split: str, seed: int, form: str = "answer") -> Iterator[Problem]:
    """The problems of one family and level, each once. Raises NothingToDoError after the last."""
    return _Stream(_offering(family, (level,), split, form), level, split, seed, form).problems(NumberSet())


def problems(  # noqa: PLR0913 - these six say which problems
    names: Sequence[str], count: int, levels: Sequence[int], split: str, seed: int, form: str = "answer"
) -> Iterator[Problem]:
    """`count` problems, one of each (level, family) in turn.

    Without `names`, of all families that work and have such levels. A level that has no more problems is skipped.
    Raises UsageError and MissingError at the call; after the last problem InputError where a plug-in failed, and
    NothingToDoError where levels have too few.
    """
    if form not in FORMS:
        raise UsageError(f"there is no form called {form!r}", f"--form {' or '.join(FORMS)}")
    if count < 0:
        raise UsageError(f"a count of {count}", "ask for 0 or more problems")

    def offers(family: Family) -> bool:
        return form in family.forms and bool(set(levels) & set(family.has))

    wanted = dict.fromkeys(names) or [name for name in families.working() if offers(families.get(name))]
    offering = [_offering(name, levels, split, form) for name in wanted]
    check_far_levels(offering, levels)
    seen = NumberSet()
    pairs = [(family, level) for level in levels for family in offering if level in family.has]
    return _in_turn([_Stream(family, level, split, seed, form).problems(seen) for family, level in pairs], count)


def _in_turn(streams: Sequence[Iterator[Problem]], turns: int) -> Iterator[Problem]:
    """A problem of each stream in turn. A stream that ends, or whose family fails, is skipped from then on, and named
    after the last problem; only the failures are named if there are any."""
    ended: dict[int, AxiomError] = {}
    for index in islice(cycle(range(len(streams))), turns):
        if index in ended:
            if len(ended) == len(streams):
                break
            continue
        try:
            problem = next(streams[index])
        except (NothingToDoError, InputError) as error:
            ended[index] = error
        else:
            yield problem
    if failed := [error for error in ended.values() if isinstance(error, InputError)]:
        raise failed[0]
    if ended:
        reasons = [str(error) for error in ended.values()]
        more = f"; so have {len(reasons) - LISTED} more levels" if len(reasons) > LISTED else ""
        raise NothingToDoError("; ".join(reasons[:LISTED]) + more, next(iter(ended.values())).hint)


def _offering(family: Family | str, levels: Sequence[int], split: str, form: str) -> Family:
    """The family. Raises UsageError where it does not have what is requested of it."""
    family = families.get(family) if isinstance(family, str) else family
    _check_levels(levels, list(levels))
    if split not in SPLITS:
        raise UsageError(f"there is no split called {split!r}", f"--split {', '.join(SPLITS)}")
    if not set(levels) & set(family.has):
        raise UsageError(f"{family.name} has no such levels", f"it has --difficulty {format_levels(family.has)}")
    if form not in family.forms:
        raise UsageError(f"{family.name} has no {form!r} form", f"--form {' or '.join(family.forms)}")
    return family


def redraw(problem: Problem) -> Drawn | None:
    """The draw that `problem` came from, found again through its origin; None if it was not drawn here."""
    origin = problem.extra.get("origin")
    if not isinstance(origin, dict) or origin.get("family") not in families.names():
        return None
    level, form = origin.get("level"), origin.get("form")
    family = families.get(origin["family"])
    if not isinstance(level, int) or level not in family.has or form not in family.forms:
        return None
    random = Random(f"{origin.get('seed')}/{origin.get('split')}/{family.name}/{level}/{origin.get('n')}")
    for _ in range(family.patience):
        drawn = draw_one(family, level, form, random)
        if drawn.prompt == problem.prompt:
            return drawn
    return None
