"""The words of a command line before Typer reads them: the options of every command, those that were renamed, and those
whose value may be left out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from axiom_cli import permitted
from axiom_cli.errors import UsageError
from axiom_cli.settings.fields import flag
from axiom_cli.settings.names import STAGES, former_names

GLOBALS = [
    ("--workspace DIR", "The workspace [.axiom, found upwards like .git]."),
    ("--quiet", "Only warnings and errors on stderr."),
    ("--debug", "Show the traceback of every error."),
    (permitted.REMOTE_CODE, "Let a model run the Python that lies beside its weights, outside the sandbox."),
    (permitted.PICKLE, "Read weights from pytorch_model.bin where a model has no safetensors."),
    ("--version", "Print the version."),
    ("--install-completion [SHELL]", "Complete commands with Tab from now on, in bash, zsh or fish [this shell]."),
    ("--show-completion [SHELL]", "Print what that installs."),
]
BARE: dict[str, tuple[str, Callable[[str], bool]]] = {
    "--output-dir": ("data/synthetic", lambda following: not following.startswith("-")),
    "--show": ("0", str.isdecimal),
}
"""Options whose value may be left out: what it is then, and whether the next word is the value."""


def split_globals(argv: list[str]) -> tuple[list[str], dict[str, Any]]:
    """The arguments without the global options, which may stand anywhere before `--`, and those options."""
    rest: list[str] = []
    flags: dict[str, Any] = {}
    words = iter(_filled(argv))
    for word in words:
        if word == "--":
            return [*rest, word, *words], flags
        if word in ("--quiet", "--debug", "--version"):
            flags[word[2:]] = True
        elif word in (permitted.REMOTE_CODE, permitted.PICKLE):
            flags[word] = True
        elif word.partition("=")[0] == "--workspace":
            flags["workspace"] = word.partition("=")[2] if "=" in word else next(words, None)
            if not flags["workspace"]:
                raise UsageError("--workspace needs a folder", "axiom --workspace DIR COMMAND")
        else:
            rest.append(word)
    return rest, flags


def former_flags() -> dict[str, str]:
    """The options that were renamed: the flag of each, by the one that still works for this version."""
    names = {"against": "decontaminate"}
    for stage in STAGES:
        names |= former_names(stage)
    pairs = {flag(old): flag(new) for old, new in names.items()}
    pairs |= {f"--no-{old[2:]}": f"--no-{new[2:]}" for old, new in pairs.items()}
    return pairs | {"--no-curriculum": "--curriculum=fixed"}


def aliases() -> dict[str, str]:
    """The flags of the options that have two names, by the one that no help shows."""
    names = [(old, new) for stage in STAGES for old, new in former_names(stage, "alias").items()]
    return {flag(old): flag(new) for old, new in names}


def with_new_names(args: list[str]) -> tuple[list[str], list[str]]:
    """The arguments, each former flag before `--` replaced by its new name, and a sentence for each of those."""
    former, other, words, sentences = former_flags(), aliases(), list(args), []
    for place, word in enumerate(words):
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if name in other:
            words[place] = other[name] + equals + value
        elif name in former:
            words[place] = former[name] + equals + value
            sentences.append(f"{name} is now called {former[name]}")
    return words, sentences


def _filled(argv: list[str]) -> list[str]:
    """The words, with a value after each option of BARE that has none."""
    filled = []
    for word, following in pairwise([*argv, "--"]):
        filled.append(word)
        if word in BARE and not BARE[word][1](following):
            filled.append(BARE[word][0])
    return filled
