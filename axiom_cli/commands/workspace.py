"""`axiom workspace`: ls, show, why, diff, gc, fsck, export."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from axiom_cli.commands.streams import AsJson, show, stdout, words, write
from axiom_cli.errors import WorkspaceDamagedError
from axiom_cli.settings.options import GLOBAL_OPTIONS
from axiom_cli.terminal import console, stdout_guard

if TYPE_CHECKING:
    from axiom_cli.workspace.store import Workspace

app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True, epilog=GLOBAL_OPTIONS)
Name = Annotated[str, typer.Argument(metavar="NAME", help="A name (myrun@best), a digest, or the start of one.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be freed.")]


@app.callback()
def workspace(ctx: typer.Context) -> None:
    """What was made, and from what."""
    if ctx.invoked_subcommand is None:
        print(ctx.get_help(), file=stdout_guard.stdout())


def _open(ctx: typer.Context) -> Workspace:
    from axiom_cli.workspace.store import Workspace

    return Workspace.open(ctx.obj.config.workspace or None)


@app.command(epilog=GLOBAL_OPTIONS)
def ls(ctx: typer.Context, json: AsJson = False) -> None:
    """Every object that was made here or has a name, oldest first."""
    from axiom_cli.workspace.inspect import ls as listed

    show("workspace", ({**asdict(entry), "names": ", ".join(entry.names)} for entry in listed(_open(ctx))), json)


@app.command("show", epilog=GLOBAL_OPTIONS)
def show_(ctx: typer.Context, name: Name, lines: Annotated[int, typer.Option(help="Lines of a text.")] = 5) -> None:
    """One object: its files or first lines, and the receipts of what made it."""
    from axiom_cli.workspace.inspect import show as shown

    write([asdict(shown(_open(ctx), name, lines))], None)


@app.command(epilog=GLOBAL_OPTIONS)
def why(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """The whole chain behind an object, or behind a problem's id: what made it, from what, and what made that."""
    from axiom_cli import models
    from axiom_cli.workspace.why import draw_tree
    from axiom_cli.workspace.why import why as explained

    found = explained(_open(ctx), name, [models.resolve(models.NANO).digest])
    if json:
        write((asdict(line) for line in found), None)
    else:
        stdout().write("\n".join(draw_tree(found)) + "\n")


@app.command(epilog=GLOBAL_OPTIONS)
def diff(ctx: typer.Context, first: Name, second: Name, json: AsJson = False) -> None:
    """What differs between two objects, and between the recipes that made them."""
    from axiom_cli.workspace.inspect import diff as compare

    found = compare(_open(ctx), first, second)
    pairs = [("contents", *change) for change in found.contents] + [("recipe", *change) for change in found.recipes]
    show("differences", ({"of": of, "sign": sign, "what": what} for of, sign, what in pairs), json)
    if not pairs:
        console.note("no difference")


@app.command(epilog=GLOBAL_OPTIONS)
def gc(
    ctx: typer.Context,
    dry_run: DryRun = False,
    everything: Annotated[bool, typer.Option("--all", help="Also models that a name points to.")] = False,
    orphans: Annotated[bool, typer.Option("--orphans", help="Also objects that nothing leads to, a day old.")] = False,
) -> None:
    """Free merged weights, which base and adapter give again. Adapters and records are kept for ever."""
    from axiom_cli.workspace.maintenance import gc as collect

    freed = collect(_open(ctx), everything=everything, orphans=orphans, dry_run=dry_run)
    write([asdict(freed)], None)
    verb = "would be freed" if dry_run else "freed"
    console.note(f"{freed.bytes / 2**20:,.1f} MiB {verb}: {words(len(freed.evicted), 'merged model')}")


@app.command(epilog=GLOBAL_OPTIONS)
def fsck(
    ctx: typer.Context,
    repair: Annotated[bool, typer.Option("--repair", help="Set aside what is damaged, to be made again.")] = False,
) -> None:
    """Hash every object again, and read every receipt and name. Exit 12 if anything is damaged."""
    from axiom_cli.workspace.maintenance import fsck as check

    health = check(_open(ctx), repair=repair)
    write((asdict(damage) for damage in health.damage), None)
    console.note(f"{words(health.objects, 'object')} and {words(health.receipts, 'receipt')} read")
    if health.damage and not repair:
        first = health.damage[0]
        raise WorkspaceDamagedError(
            f"{words(len(health.damage), 'thing')} damaged; first: {first.what} {first.name}", first.advice
        )


@app.command(epilog=GLOBAL_OPTIONS)
def export(
    ctx: typer.Context, name: Name, target: Annotated[Path, typer.Argument(metavar="PATH", help="A new place.")]
) -> None:
    """Copy a model, an adapter or a file out of the workspace."""
    from axiom_cli.workspace.inspect import export as copy

    console.note(f"{name} copied to {copy(_open(ctx), name, target)}")
