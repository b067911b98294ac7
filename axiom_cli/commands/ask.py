"""`axiom ask`."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from axiom_cli import jsonl
from axiom_cli.commands import completion
from axiom_cli.commands.pages import argument, page
from axiom_cli.commands.streams import opened, stdout
from axiom_cli.errors import InputError, UsageError
from axiom_cli.records import Problem
from axiom_cli.settings.configs import AskConfig
from axiom_cli.settings.options import configured
from axiom_cli.terminal import console
from axiom_cli.wording import plural

app = typer.Typer(add_completion=False, rich_markup_mode=None)
MODEL = "nano, a hub id, a folder, a .gguf file, a name in the workspace, BASE+ADAPTER, or a server's URL."
Name = Annotated[str, argument("NAME", MODEL, completion.models)]
Text = Annotated[str, argument("TEXT", "What to ask [stdin: a text, or a problem].")]
PROBLEM = re.compile(rb'\{\s*"kind"\s*:\s*"problem"')
HINT = 'axiom ask self_improve_v1@best "What is 3 + 4?"'


@app.command(
    **page(
        HINT,
        "axiom problems gen robot_walk --count 1 | axiom ask nano",
        "axiom ask nano < question.txt",
        'axiom ask http://127.0.0.1:8000/v1#qwen "Why?"',
    )
)
@configured()
def ask(ctx: typer.Context, config: AskConfig, name: Name, text: Text = "") -> None:
    """Ask a model something, and read the answer as it is written.

    The model sees the question as it sees a problem in training. Nothing is kept in the workspace.
    """
    from axiom_cli.sampling.ask import ask as answer
    from axiom_cli.workspace.store import Workspace

    question = text or _piped()
    if not question.strip():
        raise UsageError("nothing is asked: the text is empty", HINT)
    stream = stdout()
    on_terminal = stream.isatty()

    def write(piece: str) -> None:
        stream.buffer.write((printable(piece) if on_terminal else piece).encode())
        stream.buffer.flush()

    workspace = Workspace.open_or_create(ctx.obj.config.workspace or None)
    try:
        sample = answer(name, question, config, workspace, write)
    except KeyboardInterrupt:
        write("\n")
        raise
    if not sample.text.endswith("\n"):
        write("\n")
    if sample.finish == "length":
        console.warn(f"cut off after {plural(sample.tokens, 'token')}: a larger --max-tokens lets the model finish")


def _piped() -> str:
    """The text of stdin, or the prompt of the first problem that is piped in. Raises UsageError at a terminal,
    InputError for what is not UTF-8."""
    with opened(None, HINT) as stream:
        data = stream.read()
    if PROBLEM.match(data):
        return jsonl.parse(data.splitlines()[0], 1, Problem).prompt
    try:
        return data.decode().rstrip("\n")
    except UnicodeDecodeError:
        raise InputError("what is piped in is not text in UTF-8", HINT) from None


def printable(text: str) -> str:
    """The text for a terminal, which control characters of a model's would command."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)
