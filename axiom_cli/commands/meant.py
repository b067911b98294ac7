"""Which option or command somebody meant who typed one that there is not: a typo, or another tool's name for it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import typer

from axiom_cli.errors import did_you_mean
from axiom_cli.wording import listed

RESUMES = frozenset({"--resume", "--resume-from-checkpoint", "--continue", "--restart"})
OTHER_TOOLS = {
    "--learning-rate": ("--lr",),
    "--num-samples": ("--samples",),
    "--num-generations": ("--samples",),
    "--num-return-sequences": ("--samples",),
    "--best-of": ("--samples",),
    "--n": ("--samples", "--count"),
    "-n": ("--samples", "--count"),
    "--k": ("--samples",),
    "-k": ("--samples",),
    "--num": ("--count", "--samples"),
    "--num-problems": ("--count", "--train-size"),
    "--limit": ("--count",),
    "--levels": ("--difficulty", "--min-difficulty"),
    "--level": ("--difficulty", "--min-difficulty"),
    "--max-new-tokens": ("--max-tokens",),
    "--max-completion-tokens": ("--max-tokens",),
    "--temp": ("--temperature",),
    "--model-name": ("--model",),
    "--model-name-or-path": ("--model",),
    "--model-path": ("--model",),
    "--base-model": ("--model",),
    "--rank": ("--lora-r",),
    "--r": ("--lora-r",),
    "-r": ("--lora-r",),
    "--lora-rank": ("--lora-r",),
    "--alpha": ("--lora-alpha",),
    "--num-epochs": ("--epochs",),
    "--num-train-epochs": ("--epochs",),
    "--per-device-train-batch-size": ("--batch-size",),
    "--gradient-accumulation-steps": ("--grad-accum",),
    "--max-seq-length": ("--max-length",),
    "--max-seq-len": ("--max-length",),
    "--load-in-4bit": ("--quantize",),
    "--load-in-8bit": ("--quantize",),
    "--report-to": ("--tracker",),
    "--rounds": ("--iterations",),
    "--name": ("--experiment",),
    "--run-name": ("--experiment",),
    "--output": ("--output-dir",),
    "--out": ("--output", "--output-dir"),
    "--workers": ("--jobs",),
    "--backend": ("--engine",),
    "--dry-run": ("--plan",),
    "--threshold": ("--fail-under",),
}
"""Our options, the likeliest first, for the names that they have in other tools."""

OTHER_COMMANDS = {
    "generate": "problems gen",
    "gen": "problems gen",
    "import": "problems import",
    "list": "problems list",
    "sample": "solve",
    "check": "verify",
    "judge": "verify",
    "finetune": "train",
    "fine-tune": "train",
    "sft": "train",
    "run": "loop",
    "chat": "ask",
    "benchmark": "eval",
    "compare": "report --compare",
    "settings": "config",
    "models": "workspace ls",
    "ls": "workspace ls",
    "gc": "workspace gc",
    "clean": "workspace gc",
    "version": "--version",
    "help": "--help",
}
"""What to type after `axiom`, for the names that commands have in other tools, or that leave out their group."""


UNQUOTED = re.compile(r"unexpected extra argument\S* \((.*)\)$")


def command(name: str, known: Sequence[str], path: str) -> str:
    """The hint for a command `name` that the group `path` does not have among the `known` ones."""
    ours = f"axiom {OTHER_COMMANDS[name]}" if name in OTHER_COMMANDS else ""
    inside = ours.startswith(f"{path} ")
    return f"did you mean {ours}?" if inside else did_you_mean(name, known, f"{path} --help lists the commands")


def advice(error: Any, resuming: Collection[str]) -> str:
    """The hint for an option that the command of the parser's `error` does not have, and for a text that is not in
    quotes; empty for other errors.

    `resuming` are the commands that resume when they are run again.
    """
    if error.ctx and error.ctx.info_name == "ask" and (more := UNQUOTED.search(error.format_message())):
        model, text = error.ctx.params["name"], error.ctx.params["text"]
        return f'put the text in quotes: axiom ask {model} "{text} {more[1]}"'
    name = getattr(error, "option_name", "")
    if not name or not hasattr(error, "possibilities") or not error.ctx:
        return ""
    if name in RESUMES and error.ctx.info_name in resuming:
        return "leave it out: the same command resumes"
    known = list(_flags(error.ctx.command, error.ctx))
    wanted = OTHER_TOOLS.get(name, ())
    if ours := [flag for flag in wanted if flag in known]:
        return f"did you mean {ours[0]}?"
    root = error.ctx.find_root().command
    for flag in (name, *wanted):
        if commands := owners(root, flag):
            return f"{flag} is an option of {listed(commands)}"
    return did_you_mean(name, known)


def owners(root: Any, flag: str) -> list[str]:
    """The commands that have the option `flag`, in the order of work."""
    return [path for path, command, context in _commands(root) if flag in _flags(command, context)]


def _commands(root: Any) -> Iterator[tuple[str, Any, Any]]:
    """Every command with its path and its context; groups come before their commands."""
    pending = [(root, typer.Context(root, info_name="axiom"))]
    while pending:
        command, context = pending.pop()
        yield context.command_path, command, context
        names = command.list_commands(context) if hasattr(command, "list_commands") else []
        children = ((name, command.get_command(context, name)) for name in reversed(names))
        pending += [(child, typer.Context(child, info_name=name, parent=context)) for name, child in children]


def _flags(command: Any, context: Any) -> Iterator[str]:
    for parameter in command.get_params(context):
        if parameter.param_type_name == "option" and not parameter.hidden:
            yield from (*parameter.opts, *parameter.secondary_opts)
