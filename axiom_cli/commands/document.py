"""docs/cli.md from the command line itself: `python -m axiom_cli.commands.document > docs/cli.md`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import typer

from axiom_cli import errors
from axiom_cli.app import GLOBALS, application
from axiom_cli.records import WRITERS

HEAD = """\
# The command line

Written by `python -m axiom_cli.commands.document`; a test compares it with the program.

Data goes to stdout as JSONL, talk to stderr. Stage commands read FILE or stdin; `-o FILE` writes whole or not at all.
Lists are comma-separated or repeated. A setting comes from its flag, else from the variable `AXIOM_STAGE_NAME` or
`AXIOM_NAME`, else from `[stage] name` or a top-level `name` in `./axiom.toml`, else from the same in the user's
`axiom.toml`, else it is the default in brackets; `axiom config` shows each.
"""
OTHER_CODES = {
    0: "Done. Wrong answers never change it.",
    1: "A bug, with a traceback.",
    130: "Interrupted. Finished work is kept: the same command again goes on from there.",
}


def document() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_exit_codes(), *_kinds(), *_commands()]).rstrip() + "\n"


def _exit_codes() -> Iterator[str]:
    codes = dict(OTHER_CODES)
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.AxiomError) and kind is not errors.AxiomError:
            codes[kind.exit_code] = str(kind.__doc__)
    yield "## Exit codes\n\n| code | meaning |\n|---|---|"
    yield from (f"| {code} | {meaning} |" for code, meaning in sorted(codes.items()))
    yield ""


def _kinds() -> Iterator[str]:
    yield "## Who writes what\n\n| record | command |\n|---|---|"
    yield from (f"| `{kind}` | `{writer}` |" for kind, writer in WRITERS.items())
    yield ""


def _commands() -> Iterator[str]:
    root = application()
    context = typer.Context(root, info_name="axiom")
    yield from _command(root, context, "##")


def _command(command: Any, context: Any, marks: str) -> Iterator[str]:
    yield f"{marks} {context.command_path}\n\n{_text(command.help)}\n"
    rows = [f"| `{name}` | {meaning} |" for name, meaning in GLOBALS if context.parent is None]
    rows += [row for parameter in command.get_params(context) if (row := _row(parameter, context))]
    if rows:
        yield "| option | meaning |\n|---|---|"
        yield from rows
        yield ""
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        child = command.get_command(context, name)
        yield from _command(
            child, typer.Context(child, info_name=name, parent=context), "##" if marks == "##" else "###"
        )


def _row(parameter: Any, context: Any) -> str:
    record = parameter.get_help_record(context)
    if not record or "--help" in parameter.opts:
        return ""
    name, meaning = (re.sub(r"\s+", " ", part).replace("|", "\\|").strip() for part in record)
    name = re.sub(r"\s*<[^>]*>", "", name)
    return f"| `{name}` | {meaning} |"


def _text(help: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (help or "").split("\n\n"))


if __name__ == "__main__":
    sys.stdout.write(document())
