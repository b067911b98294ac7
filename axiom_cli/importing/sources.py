"""Sources of problems, opened: a family draws fresh problems without end; a file, a data set and the hand-written
problems have so many.

    problems = open_sources("arithmetic*2,mine.csv", Reading(form="answer", levels=range(3, 8)))
    problems.sample(200, "test")        some of each, for an evaluation
    problems.sources                    each by itself, for a loop
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from axiom_cli.errors import NothingToDoError, UsageError
from axiom_cli.ids import content_id
from axiom_cli.importing.registry import AUTO
from axiom_cli.importing.source_names import SourceName, parse
from axiom_cli.importing.source_rows import Say, read_rows
from axiom_cli.problems import families
from axiom_cli.problems.decontamination import normalize
from axiom_cli.problems.families import draw, handwritten
from axiom_cli.problems.families.family import LEVELS, Family
from axiom_cli.records import Problem
from axiom_cli.wording import plural
from axiom_cli.workspace.store import Workspace


@dataclass(frozen=True)
class Reading:
    """How sources are read: the `form` of families that have both, the `levels` of those that name none, the `seed` of
    what is drawn, the format of rows (`as_`), and `columns` as pairs `FIELD=COLUMN`."""

    form: str = "answer"
    levels: Sequence[int] = LEVELS
    seed: int = 0
    as_: str = AUTO
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Endless:
    """A family: fresh problems of any split, without end or nearly so."""

    source: SourceName
    family: Family
    form: str
    levels: Sequence[int]

    def stream(self, level: int, split: str, seed: int) -> Iterator[Problem]:
        """The problems of one level, each once. Raises NothingToDoError after the last."""
        return draw.stream(self.family, level, split, seed, self.form)


@dataclass(frozen=True)
class Finite:
    """A file, a data set or the hand-written problems: all problems of it, in an order that their content decides.

    `digest` identifies the rows that they were read from; it is empty for those that come with axiom.
    """

    source: SourceName
    problems: Sequence[Problem]
    digest: str = ""


Source = Endless | Finite


@dataclass(frozen=True)
class Problems:
    """What `--problems` leads to. No two finite sources have an equal problem."""

    sources: Sequence[Source]
    reading: Reading

    @cached_property
    def endless(self) -> list[Endless]:
        """The families."""
        return [source for source in self.sources if isinstance(source, Endless)]

    @cached_property
    def finite(self) -> list[Finite]:
        """The other sources."""
        return [source for source in self.sources if isinstance(source, Finite)]

    def sample(self, count: int, split: str = "test") -> list[Problem]:
        """`count` problems, as evenly over the sources as their number allows, or fewer if all are finite: of families
        those of `split`, of the others any. Raises NothingToDoError where a family has too few."""
        return sample(self.endless, [source.problems for source in self.finite], count, split, self.reading.seed)


def open_sources(  # noqa: PLR0913 - the last three are where sentences go, and what they call the option
    text: str,
    reading: Reading = Reading(),
    workspace: Workspace | None = None,
    *,
    note: Say = lambda _: None,
    warn: Say = lambda _: None,
    option: str = "--problems",
) -> Problems:
    """The sources that `text` names. `note` and `warn` get sentences about how rows were read, and what was left out.

    Raises UsageError, MissingError (a family, an extra, a data set that is not there), InputError (a file that is not
    there, or does not hold problems) and NothingToDoError (a file without rows).
    """
    named = parse(text, option)
    known: set[str] = set()
    opened: list[Source] = []
    for name in named:
        source = _endless(name, reading) if name.kind == "family" else _finite(name, reading, workspace, note, warn)
        if isinstance(source, Finite):
            source = _without_known(source, known, warn)
        opened.append(source)
    if given := [source.family for source in opened if isinstance(source, Endless) and not source.source.levels]:
        draw.check_far_levels(given, reading.levels)
    return Problems(opened, reading)


def content(problem: Problem) -> str:
    """The problem's prompt, in the way in which two equal ones are written alike."""
    return normalize(problem.prompt).casefold()


def _endless(name: SourceName, reading: Reading) -> Endless:
    family = families.get(name.name)
    form = reading.form if reading.form in family.forms or "answer" in family.forms else family.forms[0]
    if form not in family.forms:
        raise UsageError(f"{family.name} does not ask for programs", "leave out --form program, or this family")
    wanted = name.levels or reading.levels
    if name.levels:
        draw.check_far_levels([family], name.levels)
    levels = [level for level in wanted if level in family.has]
    if not levels:
        raise UsageError(
            f"{family.name} does not have level {draw.format_levels(wanted)}; it has {draw.format_levels(family.has)}",
            f"{family.name}:{draw.format_levels(family.has)}, or other levels with --min-difficulty, --max-difficulty",
        )
    return Endless(name, family, form, levels)


def _finite(name: SourceName, reading: Reading, workspace: Workspace | None, note: Say, warn: Say) -> Finite:
    if name.kind == "handwritten":
        problems, identity = handwritten.problems(), ""
    else:
        problems, identity = read_rows(name, reading.as_, reading.columns, workspace, note, warn)
    if name.levels:
        has = sorted({problem.level for problem in problems})
        problems = [problem for problem in problems if problem.level in name.levels]
        if not problems:
            fault = f"{name.name} has no problem at {draw.say_levels(name.levels)}"
            raise NothingToDoError(fault, f"it has some at level{'s' * (len(has) > 1)} {', '.join(map(str, has))}")
    return Finite(name, sorted(problems, key=lambda problem: content_id(content(problem), 16)), identity)


def _without_known(source: Finite, known: set[str], warn: Say) -> Finite:
    """The source without the problems that an earlier one has."""
    fresh = [problem for problem in source.problems if content(problem) not in known]
    known.update(map(content, fresh))
    if repeated := len(source.problems) - len(fresh):
        warn(f"{source.source.name}: {plural(repeated, 'problem')} left out that another source has, too")
    return replace(source, problems=fresh)


def sample(
    endless: Sequence[Endless], finite: Sequence[Sequence[Problem]], count: int, split: str, seed: int
) -> list[Problem]:
    """`count` problems as evenly over all sources as their number allows; of families, those of `split`."""
    shares = share_out(count, [*map(len, finite), *[count] * len(endless)])
    chosen = [problem for problems, share in zip(finite, shares, strict=False) for problem in problems[:share]]
    alike: dict[tuple[str, tuple[int, ...]], list[tuple[Endless, int]]] = {}
    for source, share in zip(endless, shares[len(finite) :], strict=True):
        alike.setdefault((source.form, tuple(source.levels)), []).append((source, share))
    for (form, levels), group in alike.items():
        names = [source.family.name for source, _ in group]
        chosen += draw.problems(names, sum(share for _, share in group), levels, split, seed, form)
    return chosen


def share_out(count: int, available: Sequence[int]) -> list[int]:
    """`count` over the sources, evenly, none getting more than it has; the first get what is left over."""
    shares = [0] * len(available)
    while left := count - sum(shares):
        open_ = [place for place, most in enumerate(available) if shares[place] < most]
        if not open_:
            break
        for extra, place in enumerate(open_):
            wanted = left // len(open_) + (extra < left % len(open_))
            shares[place] += min(wanted, available[place] - shares[place])
    return shares
