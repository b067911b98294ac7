"""`axiom workspace`: ls, show, why, diff, gc, fsck, export, import."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from axiom_cli.commands import completion
from axiom_cli.commands.pages import Group, page
from axiom_cli.commands.streams import AsJson, say, show_rows, summed_up, write
from axiom_cli.errors import UsageError, WorkspaceDamagedError
from axiom_cli.terminal import console, stdout_guard
from axiom_cli.wording import plural
from axiom_cli.workspace.objects import short

if TYPE_CHECKING:
    from axiom_cli.workspace.bundle import Contents
    from axiom_cli.workspace.store import Workspace

app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True, cls=Group)


def _argument(metavar: str) -> Any:
    return typer.Argument(
        metavar=metavar,
        help="A name (myrun@best), a digest, or its first digits.",
        autocompletion=completion.workspace_names,
    )


Name = Annotated[str, _argument("NAME")]
First = Annotated[str, _argument("A")]
Second = Annotated[str, _argument("B")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be freed.")]


@app.callback()
def workspace(ctx: typer.Context) -> None:
    """Look at everything that was made, and what it was made from."""
    if ctx.invoked_subcommand is None:
        print(ctx.get_help(), file=stdout_guard.stdout())


def _open(ctx: typer.Context, *, check: bool = True) -> Workspace:
    from axiom_cli.workspace.store import Workspace

    return Workspace.open(ctx.obj.config.workspace or None, check=check)


@app.command(**page("axiom workspace ls"))
def ls(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also show in the table what has no name.")] = False,
    json: AsJson = False,
) -> None:
    """List the objects that were made here: those with a name, then the others, each oldest first.

    The table shows those with a name, and the first 12 digits of a digest, which name it too; --json shows all.
    """
    from axiom_cli.workspace.inspect import count_nameless
    from axiom_cli.workspace.inspect import ls as listed

    workspace, complete = _open(ctx), json or console.data_wanted()
    entries = listed(workspace, named=not (complete or everything))
    rows = ({**asdict(entry), "names": ", ".join(entry.names)} for entry in entries)
    if complete:
        show_rows("workspace", rows, json)
        return
    if shown := list(rows):
        table = [{**row, "digest": row["digest"][:12], "made": row["made"][:16].replace("T", " ")} for row in shown]
        show_rows("workspace", table)
    if not everything and (hidden := count_nameless(workspace)):
        console.note(f"{plural(hidden, 'object')} without a name: axiom workspace ls --all shows them too")


@app.command("show", **page("axiom workspace show self_improve_v1@best"))
def show_(
    ctx: typer.Context,
    name: Name,
    lines: Annotated[int, typer.Option(metavar="INT", help="Number of lines to show of a text.")] = 5,
    json: AsJson = False,
) -> None:
    """Show one object: its files or first lines, and the receipts of what made it."""
    from axiom_cli.workspace.inspect import show as shown

    details = shown(_open(ctx), name, lines)
    if not summed_up(None, json):
        write([asdict(details)], None, as_json=True)
        return
    called = f", called {', '.join(details.names)}" if details.names else ""
    console.note(f"{short(details.digest)}: {details.kind}, {details.size:,} bytes{called}")
    if details.files:
        console.table("files", ["file", "digest"], [[path, digest[:12]] for path, digest in details.files.items()], 1)
    for line in details.lines:
        console.one_line("", line)
    for receipt in details.receipts:
        console.note(f"made by {receipt['recipe']['stage']} at {receipt['made']}")
    console.hint(f"axiom workspace why {name} shows what it was made from, and --json all of it")


@app.command(**page("axiom workspace why self_improve_v1@best"))
def why(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """Trace an object, or the id of a problem, back to everything that it was made from."""
    from axiom_cli import models
    from axiom_cli.workspace.why import draw_tree
    from axiom_cli.workspace.why import why as explained

    ancestry = explained(_open(ctx), name, [models.resolve(models.NANO).digest])
    if json:
        write((asdict(line) for line in ancestry), None, as_json=True)
    else:
        width = 0 if console.data_wanted() else console.width()
        say("\n".join(draw_tree(ancestry, width)) + "\n")


@app.command(**page("axiom workspace diff self_improve_v1@1 self_improve_v1@2"))
def diff(ctx: typer.Context, first: First, second: Second, json: AsJson = False) -> None:
    """Compare two objects, the recipes that made them, and what differs behind these: `a < b` is the input b of a."""
    from axiom_cli.workspace.input_diff import causes
    from axiom_cli.workspace.inspect import diff as compare

    opened = _open(ctx)
    difference = compare(opened, first, second)
    changes = [("contents", *change) for change in difference.contents]
    changes += [("recipe", *change) for change in difference.recipes]
    changes += [("origin", cause.sign, str(cause)) for cause in causes(opened, first, second) if cause.path]
    show_rows("differences", ({"of": of, "sign": sign, "what": what} for of, sign, what in changes), json)
    if not changes:
        console.note("no difference")


@app.command(**page("axiom workspace gc --dry-run"))
def gc(
    ctx: typer.Context,
    dry_run: DryRun = False,
    everything: Annotated[bool, typer.Option("--all", help="Also free models that have a name.")] = False,
    orphans: Annotated[
        bool, typer.Option("--orphans", help="Also free objects that nothing refers to, after a day.")
    ] = False,
) -> None:
    """Free merged weights, which can be made again from base and adapter. Adapters and records are kept for ever."""
    from axiom_cli.workspace.gc import gc as collect

    freed = collect(_open(ctx), everything=everything, orphans=orphans, dry_run=dry_run)
    if not summed_up(None):
        write([asdict(freed)], None)
    verb = "would be freed" if dry_run else "freed"
    console.note(f"{freed.bytes / 2**20:,.1f} MiB {verb}: {plural(len(freed.evicted), 'merged model')}")
    if freed.leftovers:
        console.note(f"{plural(freed.leftovers, 'leftover')} of killed commands {'would be ' * dry_run}removed")


@app.command(**page("axiom workspace fsck"))
def fsck(
    ctx: typer.Context,
    repair: Annotated[bool, typer.Option("--repair", help="Set damaged objects aside, to be made again.")] = False,
) -> None:
    """Check every object, receipt and name for damage. Exit with code 12 if anything is damaged."""
    from axiom_cli.workspace.fsck import fsck as check

    health = check(_open(ctx, check=False), repair=repair)
    if health.damage or not summed_up(None):
        show_rows("damage", (asdict(damage) for damage in health.damage))
    console.note(f"{plural(health.objects, 'object')} and {plural(health.receipts, 'receipt')} read")
    if health.damage and not repair:
        first = health.damage[0]
        raise WorkspaceDamagedError(
            f"{plural(len(health.damage), 'damaged item')}; first: {first.what} {first.name}", first.advice
        )


@app.command(
    **page(
        "axiom workspace export self_improve_v1@best my_model/",
        "axiom workspace export self_improve_v1@best best.axiom --bundle",
    )
)
def export(
    ctx: typer.Context,
    name: Name,
    target: Annotated[Path, typer.Argument(metavar="PATH", help="Where to copy it; must not exist yet.")],
    bundle: Annotated[
        bool, typer.Option("--bundle", help="One file, with all that is behind it; import reads it.")
    ] = False,
) -> None:
    """Copy a model, an adapter or a file out of the workspace."""
    from axiom_cli.models import UNMERGED
    from axiom_cli.workspace.inspect import export as copy

    workspace = _open(ctx)
    if bundle:
        from axiom_cli.workspace.bundle import write as write_bundle

        console.note(f"{name} written to {target}: {_counted(write_bundle(workspace, name, target))}")
        return
    digest = workspace.resolve(name)
    if workspace.kind(digest) == "tree" and UNMERGED in workspace.tree(digest):
        fault = f"{name} is a base with an adapter on top, which are put together when they are loaded"
        raise UsageError(fault, f"axiom export {name} DIR writes them as one model")
    console.note(f"{name} copied to {copy(workspace, name, target)}")


@app.command("import", **page("axiom workspace import best.axiom"))
def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What axiom workspace export --bundle wrote.")],
) -> None:
    """Read a bundle into the workspace: a name, and all that is behind it. It is verified before it is stored."""
    from axiom_cli.workspace.bundle import read
    from axiom_cli.workspace.store import Workspace

    contents = read(Workspace.open_or_create(ctx.obj.config.workspace or None), file)
    console.note(f"{', '.join(contents.names) or 'nothing with a name'} read from {file}: {_counted(contents)}")


def _counted(contents: Contents) -> str:
    return f"{plural(len(contents.objects), 'object')}, {plural(len(contents.receipts), 'receipt')}"
