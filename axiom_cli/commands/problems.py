"""`axiom problems`: list, show, gen, audit, calibrate, new, import, overlap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from axiom_cli import installation
from axiom_cli.commands import completion, glance
from axiom_cli.commands.import_problems import import_
from axiom_cli.commands.overlap import overlap
from axiom_cli.commands.pages import Group, argument, page
from axiom_cli.commands.streams import (
    AsJson,
    Output,
    SkipBad,
    Source,
    records,
    show_rows,
    suggest,
    summed_up,
    write,
)
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
from axiom_cli.settings.configs import AuditConfig, GenConfig
from axiom_cli.settings.options import configured, named, names
from axiom_cli.terminal import console, stdout_guard
from axiom_cli.wording import plural

app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True, cls=Group)
Families = Annotated[
    list[str] | None, argument("FAMILY...", "Families, comma-separated or repeated [all].", completion.families)
]
Handwritten = Annotated[
    list[str] | None, argument("NAME...", "Names of hand-written problems [all].", completion.handwritten)
]


@app.callback()
def problems(ctx: typer.Context) -> None:
    """Make problems with provably right answers, import others, and check their sources."""
    if ctx.invoked_subcommand is None:
        print(ctx.get_help(), file=stdout_guard.stdout())


@app.command("list", **page("axiom problems list", "axiom problems list --json | jq -r .name"))
def list_(json: AsJson = False) -> None:
    """List the families with their forms and levels, the hand-written problems, and the extra `gym`."""
    from axiom_cli.problems.families import gym

    show_rows("problems", list_rows(), json)
    _warn_of_broken()
    if why := gym.missing():
        console.note(f"{len(gym.names())} more {why}: {installation.extra('gym')}")


def _warn_of_broken() -> None:
    from axiom_cli.problems import families

    for error in families.broken().values():
        console.warn(f"left out: {error}")


def list_rows() -> Iterator[dict[str, Any]]:
    """A row for each family, each hand-written problem, and each data set of reasoning-gym if that is installed; the
    data sets that are left out come last, with the reason."""
    from axiom_cli.problems import families
    from axiom_cli.problems.families import draw, gym, handwritten

    def row(kind: str, name: str, forms: str, levels: str, about: str) -> dict[str, Any]:
        return {"kind": kind, "name": name, "forms": forms, "levels": levels, "about": about}

    for name in families.working():
        family = families.get(name)
        yield row(
            "family", name, ", ".join(family.forms), draw.format_levels(family.has), f"{family.about}; {family.levels}"
        )
    for problem in handwritten.problems():
        yield row("handwritten", problem.id, problem.form, str(problem.level), problem.title)
    if gym.missing():
        return
    for name in gym.names():
        family = gym.get(name)
        yield row("family", name, "answer", draw.format_levels(family.has), f"{family.about}; {family.levels}")
    for name, why in gym.table()["left_out"].items():
        yield row("left_out", f"{gym.PREFIX}{name}", "", "", f"left out: {why}")


@app.command("show", **page("axiom problems show two_sum | axiom solve"))
def show_(name: Handwritten = None, output: Output = None, json: AsJson = False) -> None:
    """Write the hand-written problems as records, to read or to solve."""
    from axiom_cli.problems.families import handwritten

    wanted = named(name) or handwritten.names()
    refuse_unknown(wanted, handwritten.names())
    shown = [problem for problem in handwritten.problems() if problem.id in wanted]
    if named(name) and summed_up(output, json):
        for problem in shown:
            glance.read(problem)
    else:
        write(shown, output, as_json=json)
    suggest("axiom solve", output, json)


def refuse_unknown(wanted: list[str], known: list[str]) -> None:
    """Raises MissingError for the first of `wanted` that is not `known`, UsageError for levels that no family has."""
    from axiom_cli.problems import families
    from axiom_cli.problems.families.draw import format_levels, parse_levels

    for name in wanted:
        if name not in known:
            hint = did_you_mean(name, known, "axiom solve --list-problems shows the hand-written ones")
            family, _, levels = name.partition(":")
            if family in families.names():
                drawn = f" --difficulty {format_levels(parse_levels(levels))}" if levels else ""
                hint = f"it is a family: axiom problems gen {family}{drawn} | axiom solve"
            raise MissingError(f"there is no problem called {name!r}", hint)


@app.command(
    **page(
        "axiom problems gen rpn,list_ops --count 50 --difficulty 1-5 -o problems.jsonl",
        "axiom problems gen --form program | axiom solve | axiom verify",
    )
)
@configured()
def gen(config: GenConfig, family: Families = None, output: Output = None, json: AsJson = False) -> None:
    """Make problems, as many as you want and none twice.

    The nth problem depends only on seed, split, family, level and n.
    """
    from axiom_cli.problems.families import draw

    levels = draw.parse_levels(config.difficulty)
    if not named(family):
        _warn_of_broken()
    drawn = draw.problems(names(family), config.count, levels, config.split, config.seed, config.form)
    shortage: list[AxiomError] = []
    count = write(_until_exhausted(drawn, shortage), output, live=False, as_json=json)
    console.note(f"{plural(count, 'problem')} ({config.split}, {draw.say_levels(levels)}, seed {config.seed})")
    suggest("axiom solve", output, json)
    if shortage:
        raise shortage[0]


def _until_exhausted(drawn: Iterator[Problem], shortage: list[AxiomError]) -> Iterator[Problem]:
    """The drawn problems. The error of a family that has too few goes to `shortage`, so that those drawn before it are
    written first; if there are none, it is raised."""
    problem = None
    try:
        for problem in drawn:
            yield problem
    except (InputError, NothingToDoError) as error:
        if problem is None:
            raise
        shortage.append(error)


@app.command(**page("axiom problems audit", "axiom problems audit rpn --draws 100000 -o audit.jsonl"))
@configured()
def audit(config: AuditConfig, family: Families = None, output: Output = None) -> None:
    """Try to prove families wrong, with a second solver, and look for ambiguity, weak tests, guesses and leaks.

    Exit code 6 if a family fails.
    """
    from axiom_cli.audit.families import audit as examine
    from axiom_cli.audit.findings import COLUMNS, cells

    rows: list[dict[str, Any]] = []
    if not named(family):
        _warn_of_broken()

    def audited() -> Iterator[dict[str, Any]]:
        with console.progress("audit") as progress:
            for row in examine(names(family), config, lambda text: progress(0, f"audit: {text}; rows")):
                progress(1, f"audit: {row['family']} ({row['form']}); rows")
                rows.append(row)
                yield row

    if output is not None or console.data_wanted():
        write(audited(), output)
    else:
        list(audited())
    console.table(f"audit, for {config.count:,} problems a level", COLUMNS, [cells(row) for row in rows], keys=2)
    _judge(rows)


def _judge(rows: list[dict[str, Any]]) -> None:
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
        console.note(f"no fault found in {checks}; {unproven:,} unproven, without a second solver")
    else:
        console.note(f"{'all ' * (len(rows) > 1)}{checks} passed")


@app.command(**page("axiom solve problems.jsonl | axiom verify | axiom problems calibrate"))
def calibrate(file: Source = None, output: Output = None, skip_bad: SkipBad = False) -> None:
    """Check that pass rates fall from level to level in each family, from the verdicts of `axiom verify`.

    Exit code 6 if a pass rate rises, 5 if there are too few problems to decide.
    """
    from axiom_cli.problems.difficulty import RISES, UNDECIDED, table
    from axiom_cli.problems.difficulty import calibrate as measure

    rows = measure(records(file, Verdict, skip_bad=skip_bad))
    if output is not None or console.data_wanted():
        write(rows, output)
    console.table("pass rates by level, in percent", *table(rows), keys=2)
    counts = Counter(row["finding"] for row in rows)
    findings = ", ".join(f"{times} {finding}" for finding, times in counts.most_common())
    console.note(f"{plural(len(rows), 'row')}: {findings}")
    rising, undecided = (
        [f"{row['family']} ({row['form']})" for row in rows if row["finding"] == finding]
        for finding in (RISES, UNDECIDED)
    )
    if rising:
        count = plural(len(rising), "row")
        raise GateFailedError(f"pass rates rise in {count} of {len(rows)}: {', '.join(rising[:5])}")
    if undecided:
        count = plural(len(undecided), "row")
        message = f"too few problems to decide {count} of {len(rows)}: {', '.join(undecided[:5])}"
        raise NothingToDoError(message, "about 90 problems of each level, of two or more levels, are enough")


@app.command(**page("axiom problems new roman_sums"))
def new(name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the family, such as roman_sums.")]) -> None:
    """Write a working family of your own, with its test, as a package in the folder NAME."""
    from axiom_cli.problems.scaffold import new_family

    files, folder = new_family(name), Path(name)
    if folder.exists():
        raise UsageError(f"{folder} already exists; nothing was written", "choose another name or folder")
    folder.mkdir()
    for file, text in files.items():
        (folder / file).write_text(text, "utf-8")
    console.note(f"{folder}/: {', '.join(files)}; {installation.folder(folder)}, then axiom problems audit {name}")


app.command(
    "import",
    **page(
        "axiom problems import mine.csv --column prompt=question,answer=solution",
        "axiom problems import hub:openai/gsm8k --subset main --split test",
    ),
)(import_)
app.command(**page("axiom problems overlap train.jsonl test.jsonl"))(overlap)
