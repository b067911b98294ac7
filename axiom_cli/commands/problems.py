"""`axiom problems`: list, gen, audit, new, import, overlap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from axiom_cli import console
from axiom_cli.commands.streams import AsJson, Output, records, rows, show, words, write
from axiom_cli.configs import AuditConfig, GenConfig
from axiom_cli.errors import GateFailed, UsageError
from axiom_cli.options import GLOBAL_OPTIONS, configured, names
from axiom_cli.records import Problem

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, epilog=GLOBAL_OPTIONS)
Families = Annotated[
    list[str] | None, typer.Argument(metavar="FAMILY...", help="Families, comma-separated or repeated [all].")
]


@app.callback()
def problems() -> None:
    """Make problems whose answers are provably right, and check those who make them."""


@app.command("list", epilog=GLOBAL_OPTIONS)
def list_(json: AsJson = False) -> None:
    """Families with their forms and levels, and the hand-written problems."""
    show("problems", known(), json)


def known() -> Iterator[dict[str, Any]]:
    """A row a family, then a row a hand-written problem."""
    from axiom_cli import families
    from axiom_cli.families import handwritten

    for name in families.names():
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


@app.command(epilog=GLOBAL_OPTIONS)
@configured()
def gen(config: GenConfig, family: Families = None, output: Output = None) -> None:
    """Problems, endless and without repetition; the nth depends on seed, split, family, level and n alone."""
    from axiom_cli.families import draw

    levels = draw.parse_levels(config.difficulty)
    drawn = draw.rows(names(family), config.count, levels, config.split, config.seed, config.form)
    count = write(drawn, output, live=False)
    console.note(f"{words(count, 'problem')} ({config.split}, levels {config.difficulty}, seed {config.seed})")


@app.command(epilog=GLOBAL_OPTIONS)
@configured()
def audit(config: AuditConfig, family: Families = None, output: Output = None) -> None:
    """Try to prove families wrong: second solver, ambiguity, collisions between splits, weak tests, leaks."""
    from axiom_cli.stages.audit import audit as examine

    failed: list[str] = []

    def told() -> Iterator[dict[str, Any]]:
        for row in examine(names(family), config.draws):
            if not row["passed"]:
                failed.append(f"{row['family']} ({row['form']}): {', '.join(row['failures'])}")
            yield row

    count = write(told(), output)
    if failed:
        raise GateFailed(f"{words(len(failed), 'check')} of {count} failed: {'; '.join(failed[:3])}")
    console.note(f"all {count} checks passed")


@app.command(epilog=GLOBAL_OPTIONS)
def new(name: Annotated[str, typer.Argument(metavar="NAME", help="The family's name, such as roman_sums.")]) -> None:
    """Write a working family of your own, with its test, as a package in the folder NAME."""
    from axiom_cli.stages.new_family import new_family

    found, folder = new_family(name), Path(name)
    if folder.exists():
        raise UsageError(f"{folder} is there already", "nothing was written; choose another name or folder")
    folder.mkdir()
    for file, text in found.items():
        (folder / file).write_text(text, "utf-8")
    console.note(f"{folder}/: {', '.join(found)}; pip install -e {folder}, then axiom problems gen {name}")


@app.command("import", epilog=GLOBAL_OPTIONS)
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The set as published (.jsonl or .jsonl.gz).")],
    as_: Annotated[str, typer.Option("--as", metavar="FORMAT", help="humaneval, mbpp, evalplus or jsonl.")] = "jsonl",
    output: Output = None,
) -> None:
    """Read a published set as problems. Each gold solution is first checked against its own tests."""
    from axiom_cli.stages.import_problems import import_problems

    refused: list[str] = []

    def accepted() -> Iterator[Problem]:
        for one in import_problems(rows(file), as_):
            if one.problem:
                yield one.problem
            else:
                refused.append(f"{one.name}: {one.reason}")

    count = write(accepted(), output)
    for reason in refused[:5]:
        console.warn(f"refused {reason}")
    console.note(f"{words(count, 'problem')} imported from {file}, {len(refused):,} refused")


@app.command(epilog=GLOBAL_OPTIONS)
def overlap(
    a: Annotated[Path, typer.Argument(metavar="A", help="Problems.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Problems.")],
    json: AsJson = False,
) -> None:
    """How much of A stands in B: exactly, and by runs of eight words."""
    from axiom_cli.stages.overlap import overlap as compare

    found = compare(records(a, Problem), records(b, Problem))
    show("overlap", [found.to_dict()], json)
