"""Sources of problems, opened: a family draws fresh problems without end; a file, a data set and the hand-written
problems have so many.

    problems = open_sources("arithmetic*2,mine.csv", Reading(form="answer", levels=range(3, 8)))
    problems.sample(200, "test")        some of each, for an evaluation
    problems.sources                    each by itself, for a loop

Imported rows are checked as `axiom problems import` checks them. With a workspace that is done once for the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from axiom_cli.errors import InputError, NothingToDoError, UsageError
from axiom_cli.ids import content_id, digest
from axiom_cli.importing import columns as import_columns
from axiom_cli.importing import hub, readers
from axiom_cli.importing.imported import Imported
from axiom_cli.importing.importer import import_problems
from axiom_cli.importing.registry import AUTO, DEFAULT, format_of, recognize
from axiom_cli.importing.schema import split_named
from axiom_cli.importing.source_names import HUB, SourceName, parse
from axiom_cli.json_codec import dumps
from axiom_cli.problems import families
from axiom_cli.problems.decontamination import normalize
from axiom_cli.problems.families import draw, handwritten
from axiom_cli.problems.families.family import LEVELS, Family
from axiom_cli.records import Problem
from axiom_cli.wording import plural
from axiom_cli.workspace.store import Workspace

VERSION = 1
MOST_REFUSED = 0.5
"""A file of which a larger share of rows is refused is not read as problems at all."""
RESERVED = "all"
"""The family that stands for every one in metrics."""
Say = Callable[[str], object]


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
        problems, identity = _read(name, reading, workspace, note, warn)
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


def _read(
    name: SourceName, reading: Reading, workspace: Workspace | None, note: Say, warn: Say
) -> tuple[list[Problem], str]:
    """The problems of a file or data set, and the digest of its rows."""
    lines = list(chain.from_iterable(_lines(name)))
    if not lines:
        raise NothingToDoError(f"{name.name} has no rows", "name another file")
    format_name, by_field = _format(name, lines, reading, note)
    rows = digest(b"".join(dumps([line.number, line.data, line.broken]) for line in lines))
    columns = import_columns.Columns(by_field)
    recipe = {
        "stage": "import",
        "version": VERSION,
        "config": {"format": format_name, "columns": by_field, "family": name.stem},
        "inputs": {"rows": rows},
    }

    problems: list[Problem] | None = None

    def make() -> dict[str, Any]:
        nonlocal problems
        problems, refused, first = _import(name, lines, format_name, columns)
        stored = {"problems": workspace.put_records(problems)} if workspace and problems else {}
        return {**stored, "refused": refused, "first": first}

    made: Any = workspace.remember(recipe, make) if workspace else make()
    if problems is None and workspace:
        problems = list(workspace.get_records(made["problems"], Problem))
    assert problems is not None
    if made["refused"]:
        warn(f"{name.name}: {made['refused']:,} of {plural(len(lines), 'row')} refused; first: {made['first']}")
    return problems, rows


def _import(
    name: SourceName, lines: list[readers.Line], format_name: str, columns: import_columns.Columns
) -> tuple[list[Problem], int, str]:
    """The problems of the rows; how many rows were refused, and the first with its reason. Raises InputError where most
    rows are not problems."""
    problems, refused, malformed = [], [], 0
    lines = sorted(lines, key=lambda line: _precedence(line, columns))  # of two equal rows, the held-out one stays
    checked = import_columns.check_columns(readers.Source(iter(lines)), columns)
    for imported in _naming(name, import_problems(checked, format_name, columns=columns, family=name.stem)):
        if imported.problem and imported.problem.family != RESERVED:
            problems.append(imported.problem)
            continue
        reason = imported.reason or f"its family is called {RESERVED!r}, which stands for every family in reports"
        refused.append(f"{imported.row.unit} {imported.row.number}: {reason}")
        malformed += imported.malformed
    if not problems or malformed > MOST_REFUSED * len(lines):
        few = f"{len(problems):,} of the {plural(len(lines), 'row')} in {name.name} can be used"
        hint = f"axiom problems import {name.name.removeprefix('./')} -o problems.jsonl says why, row by row"
        raise InputError(f"{few}; {refused[0]}", hint)
    return problems, len(refused), refused[0] if refused else ""


def _naming(name: SourceName, rows: Iterable[Imported]) -> Iterator[Imported]:
    """The rows; an InputError over them says which of several files it is about."""
    try:
        yield from rows
    except InputError as error:
        raise InputError(f"{name.name}: {error}", error.hint) from None


def _precedence(line: readers.Line, columns: import_columns.Columns) -> int:
    """Test rows first, then those of validation."""
    split = "" if line.broken else import_columns.look_up(line.data, columns.by_field.get("split", "split"))
    return {"test": 0, "val": 1}.get(split_named(split) if isinstance(split, str) else "", 2)


def _lines(name: SourceName) -> Iterator[Iterable[readers.Line]]:
    """The rows of a file, or those of every split of a data set."""
    if name.kind == "file":
        with Path(name.name).open("rb") as stream:
            yield readers.of_file(stream, name.name).lines
        return
    for source in hub.every_split(name.name.removeprefix(HUB)):
        yield (
            replace(line, data={"split": source.split, **line.data}) if source.split and not line.broken else line
            for line in source.lines
        )


def _format(
    name: SourceName, lines: Sequence[readers.Line], reading: Reading, note: Say
) -> tuple[str, Mapping[str, str]]:
    """The format of the rows, and the columns that its fields are read from."""
    format_name = reading.as_
    if format_name == AUTO:
        format_name, _ = (DEFAULT, lines) if reading.columns else recognize(iter(lines))
    row_format = format_of(format_name)
    by_field = import_columns.parse(reading.columns, row_format.fields, format_name)
    if format_name == DEFAULT:
        first: Mapping[str, Any] = next((line.data for line in lines if not line.broken), {})
        guessed = import_columns.guess(first, by_field)
        by_field = {**guessed, **by_field}
        if guessed:
            read_as = " and ".join(f"{column!r} as the {field}" for field, column in guessed.items())
            note(f"{name.name}: reading the column {read_as}")
    elif reading.as_ == AUTO:
        note(f"{name.name} is read as {format_name}, by its columns")
    return format_name, by_field


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
