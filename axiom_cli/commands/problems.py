"""`axiom problems`: list, show, gen, audit, calibrate, new, import, overlap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from axiom_cli.commands import completion
from axiom_cli.commands.overlap import overlap
from axiom_cli.commands.pages import INPUT_OUTPUT, Group, page
from axiom_cli.commands.streams import AsJson, Output, SkipBad, Source, opened, records, show, write
from axiom_cli.errors import (
    AxiomError,
    GateFailedError,
    InputError,
    MissingError,
    NothingToDoError,
    UsageError,
    did_you_mean,
)
from axiom_cli.records import Problem, Verdict
from axiom_cli.settings.configs import AuditConfig, GenConfig, ImportConfig
from axiom_cli.settings.options import choice, configured, named, names
from axiom_cli.terminal import console, stdout_guard
from axiom_cli.wording import plural

app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True, cls=Group)
Families = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FAMILY...",
        help="Families, comma-separated or repeated [all].",
        autocompletion=completion.families,
        rich_help_panel=INPUT_OUTPUT,
    ),
]
SOURCE = "A file (.jsonl, .json, .csv, .tsv, .parquet, also .gz), - for stdin, the folder of a data set, or OWNER/NAME."
REFUSED = "Also write the rows that are refused: row, name, reason, data."
FORMATS = ("jsonl", "humaneval", "mbpp", "evalplus")


@app.callback()
def problems(ctx: typer.Context) -> None:
    """Make problems with provably right answers, import others, and check where they come from."""
    if ctx.invoked_subcommand is None:
        print(ctx.get_help(), file=stdout_guard.stdout())


@app.command("list", **page("axiom problems list", "axiom problems list --json | jq -r .name"))
def list_(json: AsJson = False) -> None:
    """List the families with their forms and levels, the hand-written problems, and the extra `gym`."""
    from axiom_cli.problems.families import gym

    show("problems", known(), json)
    _warn_of_broken()
    if why := gym.missing():
        console.note(f"{len(gym.names())} more {why}: {gym.EXTRA}")


def _warn_of_broken() -> None:
    """Names the plug-ins that all families do without."""
    from axiom_cli.problems import families

    for error in families.broken().values():
        console.warn(f"left out: {error}")


def known() -> Iterator[dict[str, Any]]:
    """A row a family, then a row a hand-written problem, then a row a data set of reasoning-gym where that is there,
    those included that are left out, with the reason."""
    from axiom_cli.problems import families
    from axiom_cli.problems.families import draw, gym, handwritten

    for name in families.working():
        family = families.get(name)
        about = {"forms": ", ".join(family.forms), "levels": "1-10", "about": f"{family.about}; {family.levels}"}
        yield {"kind": "family", "name": name, **about}
    for problem in handwritten.problems():
        yield {
            "kind": "handwritten",
            "name": problem.id,
            "forms": problem.form,
            "levels": str(problem.level),
            "about": problem.title,
        }
    if gym.missing():
        return
    for name in gym.names():
        family = gym.get(name)
        about = {
            "forms": "answer",
            "levels": draw.format_levels(family.has),
            "about": f"{family.about}; {family.levels}",
        }
        yield {"kind": "family", "name": name, **about}
    for name, why in gym.table()["left_out"].items():
        about = {"forms": "", "levels": "", "about": f"left out: {why}"}
        yield {"kind": "left_out", "name": f"{gym.PREFIX}{name}", **about}


@app.command("show", **page("axiom problems show two_sum | axiom solve"))
def show_(
    name: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...",
            help="Names of hand-written problems [all].",
            autocompletion=completion.handwritten,
            rich_help_panel=INPUT_OUTPUT,
        ),
    ] = None,
    output: Output = None,
) -> None:
    """Write the hand-written problems as records, to read or to solve."""
    from axiom_cli.problems.families import handwritten

    wanted = named(name) or handwritten.names()
    missing(wanted, handwritten.names())
    write((problem for problem in handwritten.problems() if problem.id in wanted), output)


def missing(wanted: list[str], there: list[str]) -> None:
    """Raises MissingError for the first of `wanted` that is not `there`."""
    for name in wanted:
        if name not in there:
            hint = did_you_mean(name, there, "axiom solve --list-problems shows the hand-written ones")
            raise MissingError(f"there is no problem {name!r}", hint)


@app.command(
    **page(
        "axiom problems gen rpn,list_ops --count 50 --difficulty 1-5 -o problems.jsonl",
        "axiom problems gen --form program | axiom solve | axiom verify",
    )
)
@configured()
def gen(config: GenConfig, family: Families = None, output: Output = None) -> None:
    """Make problems, as many as you want and none twice.

    The nth problem depends only on seed, split, family, level and n.
    """
    from axiom_cli.problems.families import draw

    levels = draw.parse_levels(config.difficulty)
    if not named(family):
        _warn_of_broken()
    drawn = draw.problems(names(family), config.count, levels, config.split, config.seed, config.form)
    short: list[AxiomError] = []
    count = write(_had(drawn, short), output, live=False)
    console.note(f"{plural(count, 'problem')} ({config.split}, levels {config.difficulty}, seed {config.seed})")
    if short:
        raise short[0]


def _had(drawn: Iterator[Problem], short: list[AxiomError]) -> Iterator[Problem]:
    """What there is of `drawn`; that it is less than was asked goes to `short`, unless it is nothing at all."""
    problem = None
    try:
        for problem in drawn:
            yield problem
    except (InputError, NothingToDoError) as error:
        if problem is None:
            raise
        short.append(error)


@app.command(**page("axiom problems audit", "axiom problems audit rpn --draws 100000 -o audit.jsonl"))
@configured()
def audit(config: AuditConfig, family: Families = None, output: Output = None) -> None:
    """Try to prove families wrong, by a second solver, ambiguity, shared problems, weak tests, guesses and leaks.

    Exit code 6 if a family fails.
    """
    from axiom_cli.audit.families import audit as examine
    from axiom_cli.audit.findings import COLUMNS, cells

    found: list[dict[str, Any]] = []
    if not named(family):
        _warn_of_broken()

    def told() -> Iterator[dict[str, Any]]:
        with console.progress("audit") as progress:
            for row in examine(names(family), config, lambda text: progress(0, f"audit: {text}; rows")):
                progress(1, f"audit: {row['family']} ({row['form']}); rows")
                found.append(row)
                yield row

    if output is not None or console.data_wanted():
        write(told(), output)
    else:
        list(told())
    if not console.is_quiet():
        console.table(f"audit, for {config.count:,} problems a level", COLUMNS, [cells(row) for row in found], keys=2)
    _judge(found)


def _judge(rows: list[dict[str, Any]]) -> None:
    """Says what is short and what is wrong. Raises GateFailedError where anything is."""
    for row in rows:
        if row["notes"]:
            console.note(f"{row['family']} ({row['form']}): {', '.join(row['notes'])}")
    failed = [row for row in rows if not row["passed"]]
    for row in failed:
        console.warn(f"{row['family']} ({row['form']}): {'; '.join(row['failures'][:5])}")
    if failed:
        raise GateFailedError(f"{plural(len(failed), 'check')} of {len(rows)} failed")
    unproven = sum(not row["proven"] for row in rows)
    checks = plural(len(rows), "check")
    if unproven:
        console.note(f"no fault found in {checks}; {unproven:,} unproven: there is no second solver to agree with")
    else:
        console.note(f"all {checks} passed")


@app.command(**page("axiom solve problems.jsonl | axiom verify | axiom problems calibrate"))
def calibrate(file: Source = None, output: Output = None, skip_bad: SkipBad = False) -> None:
    """Check that pass rates fall from level to level in each family, by verdicts of `axiom verify`.

    Exit code 6 if they rise somewhere, 5 if there are too few problems to tell.
    """
    from axiom_cli.problems.difficulty import RISES, UNDECIDED, table
    from axiom_cli.problems.difficulty import calibrate as measure

    found = measure(records(file, Verdict, skip_bad=skip_bad))
    if output is not None or console.data_wanted():
        write(found, output)
    if not console.is_quiet():
        console.table("pass rates by level, in percent", *table(found), keys=2)
    counts = Counter(row["finding"] for row in found)
    console.note(f"{plural(len(found), 'row')}: {', '.join(f'{times} {what}' for what, times in counts.most_common())}")
    rising, open_ = (
        [f"{row['family']} ({row['form']})" for row in found if row["finding"] == finding]
        for finding in (RISES, UNDECIDED)
    )
    if rising:
        raise GateFailedError(
            f"the levels of {', '.join(rising[:5])} rise: {plural(len(rising), 'row')} of {len(found)}"
        )
    if open_:
        told = f"too few problems to tell of {', '.join(open_[:5])}: {plural(len(open_), 'row')} of {len(found)}"
        raise NothingToDoError(told, "some 90 problems of each level, of two or more levels, are enough")


@app.command(**page("axiom problems new roman_sums"))
def new(name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the family, such as roman_sums.")]) -> None:
    """Write a working family of your own, with its test, as a package in the folder NAME."""
    from axiom_cli.problems.scaffold import new_family

    found, folder = new_family(name), Path(name)
    if folder.exists():
        raise UsageError(f"{folder} already exists; nothing was written", "choose another name or folder")
    folder.mkdir()
    for file, text in found.items():
        (folder / file).write_text(text, "utf-8")
    console.note(f"{folder}/: {', '.join(found)}; pip install -e {folder}, then axiom problems audit {name}")


@app.command(
    "import",
    **page(
        "axiom problems import mine.csv --column prompt=question,answer=solution",
        "axiom problems import openai/gsm8k --split test --answer-after '####'",
    ),
)
@configured("column")
def import_(
    config: ImportConfig,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=SOURCE, rich_help_panel=INPUT_OUTPUT)],
    as_: Annotated[str, choice("--as", FORMATS, "Format of the rows.")] = "jsonl",
    output: Output = None,
    refused: Annotated[
        Path | None, typer.Option("--refused", metavar="FILE", help=REFUSED, rich_help_panel=INPUT_OUTPUT)
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", hidden=True, help="What import does anyway.")] = False,  # noqa: ARG001
) -> None:
    """Import a problem set, your own or a published one. Reference solutions must pass their own tests.

    A row is refused if it cannot be read, does not have the format, repeats an earlier problem, or has a reference
    solution that fails. Each is reported with its row number and the reason; the others are imported.
    """
    from axiom_cli.commands.refusals import Refusals, check_apart, refusals
    from axiom_cli.importing import columns as import_columns
    from axiom_cli.importing.importer import import_problems

    check_apart(source, output, refused)
    columns, read = _columns(config, as_), _opened(source, config)

    def accepted(told: Refusals) -> Iterator[Problem]:
        lines = import_columns.check_columns(read, columns)
        for one in import_problems(lines, as_, columns=columns, split=read.split):
            if one.problem:
                if one.note:
                    told.note(one.row.number, one.name, one.note)
                yield one.problem
            else:
                told.add(one.row.number, one.name, one.reason, one.row.data)

    with refusals(refused) as told:
        taken = accepted(told)
        first = next(taken, None)
        count = write(chain([first], taken), output) if first else 0
    told.tell()
    if count == 0:
        refusal = f"nothing imported from {source}: {plural(told.count, 'row')} refused"
        raise NothingToDoError(refusal if told.count else f"{source} has no rows")
    console.note(f"{plural(count, 'problem')} imported from {source}, {told.count:,} refused")


def _columns(config: ImportConfig, form: str) -> Any:
    from axiom_cli.importing import columns as import_columns
    from axiom_cli.importing.formats import format_of

    if config.answer_after and form != "jsonl":
        raise UsageError(f"--answer-after needs answers, and {form} rows have programs", "use --as jsonl")
    of = import_columns.parse(names([config.column]), format_of(form).fields, form)
    return import_columns.Columns(of, config.answer_after)


def _opened(source: str, config: ImportConfig) -> Any:
    """The rows of a file, stdin, a folder, or a data set of the hub."""
    from axiom_cli.importing import hub, readers

    if hub.is_data_set(source):
        if not Path(source).is_dir():
            console.note(f"{source} is not a file or folder here: asking the hub")
        return hub.of_data_set(source, config.split, config.subset)
    if config.subset:
        raise UsageError(f"--subset {config.subset}: {source} is a file, which has no subsets", "leave out --subset")
    return readers.of_file(opened(Path(source), "its publisher"), source, config.split)


app.command(**page("axiom problems overlap train.jsonl test.jsonl"))(overlap)
