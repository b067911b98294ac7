"""Help pages: what a command does, its options by topic, and examples. Plain text, so that no `--help` loads Rich."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from axiom_cli.commands import meant
from axiom_cli.errors import UsageError
from axiom_cli.settings.options import Completer

INPUT_OUTPUT = "Input and output"
GLOBAL_OPTIONS = "Every command takes --help, --workspace DIR, --quiet, --debug and --version."
WIDEST_NAME = 26
# Typer's own class has a private name only; its public context names it.
HelpFormatter: Any = typer.Context.formatter_class
UNBROKEN = "\N{NON-BREAKING HYPHEN}"


def page(*examples: str) -> dict[str, Any]:
    """What `app.command` takes for a command whose page ends with these examples."""
    return {"cls": Page, "epilog": "\n".join(examples)}


def argument(metavar: str, text: str, complete: Completer | None = None) -> Any:
    """An argument of a command."""
    return typer.Argument(metavar=metavar, help=text, autocompletion=complete, rich_help_panel=INPUT_OUTPUT)


def own_option(
    name: str, metavar: str | None, text: str, topic: str | None = None, complete: Completer | None = None
) -> Any:
    """An option of one command alone, which is not a setting. A switch has no `metavar`."""
    return typer.Option(name, metavar=metavar, help=text, autocompletion=complete, rich_help_panel=topic)


def options(command: Any, context: Any) -> dict[str, list[tuple[str, str]]]:
    """The arguments and options of a command, each with its line, by topic; input and output come first."""
    topics: dict[str, list[tuple[str, str]]] = {INPUT_OUTPUT: []}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and "--help" not in parameter.opts:
            name, text = (re.sub(r"\s+", " ", part).strip() for part in record)
            rows = topics.setdefault(parameter.rich_help_panel or "Options", [])
            rows.append((re.sub(r" / --no-\S*|\s*<[^>]*>", "", name), text))
    return {topic: rows for topic, rows in topics.items() if rows}


def first_sentence(text: str) -> str:
    """The first sentence of a command's help."""
    return " ".join(text.split("\n\n")[0].split()).partition(". ")[0].rstrip(".") + "."


class _Plain:
    """The foot of a page: its examples, line by line, and the options that every command takes."""

    epilog: str | None

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the usage line: `[NAME...]`, `NAME...` and `NAME`, where Typer writes `[NAME...]...`,
        `{NAME...}...` and `{NAME}`."""
        pieces: list[str] = super().collect_usage_pieces(ctx)  # type: ignore[misc]  # of the command that it is mixed into
        return [re.sub(r"^\{([\w.]+)\}(\.\.\.)?$", r"\1", piece.replace("...]...", "...]")) for piece in pieces]

    def format_epilog(self, _context: Any, formatter: Any) -> None:
        """Writes the examples as they are, since a wrapped command cannot be pasted."""
        examples = (self.epilog or "").splitlines()
        if examples:
            with formatter.section("Example" if len(examples) == 1 else "Examples"):
                for line in examples:
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")
        formatter.write(f"\n{GLOBAL_OPTIONS}\n")


class _Formatter(HelpFormatter):
    """Breaks lines between words only: `best-of-n` and `axiom-rl[qlora]` stay whole, to be read and copied."""

    def write(self, string: str) -> None:
        super().write(string.replace(UNBROKEN, "-"))

    def write_text(self, text: str) -> None:
        super().write_text(text.replace("-", UNBROKEN))

    def write_dl(self, rows: Any, *spacing: int, **more: int) -> None:
        super().write_dl([(name, text.replace("-", UNBROKEN)) for name, text in rows], *spacing, **more)


class Context(typer.Context):
    """A context whose help pages are written by the formatter above."""

    formatter_class = _Formatter


class Page(_Plain, TyperCommand):
    """A command whose options are grouped by topic."""

    context_class = Context

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes a section for each topic."""
        for topic, rows in options(self, ctx).items():
            with formatter.section(topic):
                formatter.write_dl(rows, col_max=WIDEST_NAME)


class Group(_Plain, TyperGroup):
    """A command with commands of its own."""

    context_class = Context

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes a line for each command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries(ctx)))

    def summaries(self, ctx: Any) -> Iterator[tuple[str, str]]:
        """Each command with the first sentence of its help."""
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            yield name, first_sentence(command.help or "" if command else "")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The named command. Raises UsageError, with the closest name, if there is no such command."""
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            hint = meant.command(args[0], known, ctx.command_path)
            raise UsageError(f"{ctx.command_path} has no command {args[0]!r}", hint)
        return super().resolve_command(ctx, args)
