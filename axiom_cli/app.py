"""The commands in the order of work, loaded when asked for; the one place where an error becomes an exit code."""

from __future__ import annotations

import atexit
import importlib
import os
import re
import resource
import sys
import traceback
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, NoReturn

import typer

from axiom_cli import __version__, interruption, permitted, process_rank
from axiom_cli.commands import completion, meant
from axiom_cli.commands.arguments import GLOBALS, split_globals, with_new_names
from axiom_cli.commands.pages import Group
from axiom_cli.errors import AxiomError, MissingError, UsageError
from axiom_cli.files import ADVICE
from axiom_cli.settings.configs import GlobalConfig
from axiom_cli.settings.files import unreadable
from axiom_cli.settings.sources import Settings, outdated, resolve, unknown_variables
from axiom_cli.terminal import console, loading, stdout_guard
from axiom_cli.wording import spelled_out

COMMANDS = {
    "problems": "Make, import and check problems.",
    "coldstart": "Collect verified solutions of a teacher, to teach the answer format.",
    "solve": "Sample solutions of problems.",
    "verify": "Check samples: answers by their value, programs in the sandbox.",
    "train": "Train an adapter on accepted solutions.",
    "merge": "Merge an adapter into its base model, with a certificate.",
    "loop": "Evaluate, collect, train, merge, repeat: the model improves itself.",
    "eval": "Measure pass rates on any problems, and compare models.",
    "ask": "Ask a model something, and read its answer as it is written.",
    "export": "Write a model for transformers, vLLM, llama.cpp or Ollama.",
    "report": "Show pass rates per round, or compare two models.",
    "view": "Look at runs, rounds and samples on the terminal, live.",
    "doctor": "Check this machine: accelerator, engines, sandbox, disk.",
    "config": "Show every setting and where its value comes from.",
    "workspace": "Look at everything that was made, and what it was made from.",
}
START_HERE = """\
axiom: a small language model teaches itself to reason, on this machine.

Start here:
  axiom doctor                check what this machine can do
  axiom loop --plan           see what the loop would do, without doing it
  axiom loop                  let the embedded model nano improve itself
  axiom report                see whether it got better

Step by step, each command feeding the next:
  axiom problems gen robot_walk --count 200 -o problems.jsonl
  axiom solve problems.jsonl | axiom verify -o verdicts.jsonl
  axiom train verdicts.jsonl | axiom merge -o model.jsonl

More:
  axiom --help                all commands
  axiom COMMAND --help        one command, with examples
"""
REMEMBERS = {"coldstart", "solve", "train", "merge", "loop", "eval"}
"""Commands that keep finished work in the workspace, and resume from there."""
TOGETHER = {"train", "loop"}
"""Commands that several processes may carry out together."""
STREAMS = range(3)
STDOUT = 1
# The parser moved from click into Typer; its base class of errors is reached through a public descendant.
Misuse: Any = typer.BadParameter.__bases__[0]


class Commands(Group):
    """The table above as a group that imports a command only when it is run."""

    def list_commands(self, _context: Any) -> list[str]:
        """The commands in the order of work."""
        return list(COMMANDS)

    def get_command(self, _context: Any, name: str) -> Any:
        """The command called `name`, imported now; None if there is none."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"axiom_cli.commands.{name}")
        return typer.main.get_command(module.app)

    def summaries(self, _context: Any) -> Iterator[tuple[str, str]]:
        """The table above, without importing a command."""
        yield from COMMANDS.items()

    def format_epilog(self, _context: Any, formatter: Any) -> None:
        """Writes the global options, which `split_globals` reads."""
        with formatter.section("Options of every command"):
            formatter.write_dl([*GLOBALS, ("--help", "Show the help of a command.")])


def axiom() -> None:
    """A small language model teaches itself to reason, by expert iteration on this machine.

    Records flow as JSONL: axiom problems gen | axiom solve | axiom verify | axiom train | axiom merge
    """


def _completed(
    *,
    _workspace: Annotated[str, typer.Option("--workspace")] = "",
    _quiet: Annotated[bool, typer.Option("--quiet")] = False,
    _debug: Annotated[bool, typer.Option("--debug")] = False,
) -> None:
    """The options that a shell may find before the command; otherwise `split_globals` reads them."""


def application(*, completion: bool = False) -> Any:
    """The command line as Typer parses it. The options for shell completion import pydantic, so they are there only
    when one of them is used."""
    callback = _completed if completion else axiom
    app = typer.Typer(cls=Commands, rich_markup_mode=None, add_completion=completion, callback=callback)
    return typer.main.get_command(app)


def run(argv: list[str]) -> int:
    """Runs one command in this process. Returns its exit code; errors pass through."""
    interruption.forget()
    args, flags = split_globals(argv)
    permitted.allow(*(name for name in (permitted.REMOTE_CODE, permitted.PICKLE) if flags.pop(name, False)))
    args, renamed = with_new_names(args)
    if flags.pop("version", False):
        print(f"axiom {__version__}")
        return 0
    completing = "_AXIOM_COMPLETE" in os.environ
    if not args and not completing:
        print(START_HERE, end="")
        return 0
    asks_completion = not completing and args[0].partition("=")[0].endswith("-completion")
    if asks_completion:
        args = completion.with_shell(args)
    command = application(completion=completing or asks_completion)
    if completing:
        command.main(args=args, prog_name="axiom")
    asks = "--help" in args
    if process_rank.size() > 1 and not asks and args[0] not in TOGETHER:
        raise UsageError(f"axiom {args[0]} runs in one process", "torchrun can start axiom train and axiom loop")
    start = Settings(GlobalConfig(), {}) if asks else resolve(GlobalConfig, flags)
    console.configure(quiet=start.config.quiet)
    if not asks:
        loading.announce()
        for path in unreadable():
            console.warn(f"{path} cannot be read: its settings are left out")
        for sentence in (*renamed, *outdated()):
            console.warn(f"{sentence}; the old name will be removed in the next version")
        for sentence in unknown_variables():
            console.warn(sentence)
    try:
        printed = nullcontext() if asks else stdout_guard.guard(quiet=console.is_quiet())
        with command.make_context("axiom", args, obj=start) as ctx, printed:
            command.invoke(ctx)
    except typer.Exit as stop:
        return stop.exit_code
    return 0


def _fill_closed() -> None:
    """Opens those of the three standard streams that are closed, so that no file of ours gets their number and our
    messages. `sys.stdout` stays None, for those who write data to notice; `sys.stderr` leads nowhere."""
    for number in STREAMS:
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - positional only
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _show_bug(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """Writes a traceback, whose messages may quote foreign text."""
    sys.stderr.write(spelled_out("".join(traceback.format_exception(kind, error, where))))


def leave(code: int) -> NoReturn:
    """Ends the process with `code`, which Python itself would not always do: after Ctrl-C inside an import it dies of
    the signal, and one of several processes sometimes of a thread that outlives it."""
    atexit._run_exitfuncs()  # noqa: SLF001 - os._exit skips them, and nothing public runs them
    sys.stderr.flush()
    os._exit(code)


def _debugging(words: list[str]) -> bool:
    """Whether to show tracebacks; by the flag alone if the settings themselves are the error."""
    try:
        own = ("--version", permitted.REMOTE_CODE, permitted.PICKLE)
        _, flags = split_globals([word for word in words if word not in own])
        return resolve(GlobalConfig, flags).config.debug
    except AxiomError:
        return "--debug" in words


def _plainly(error: Any) -> str:
    """The message of a misuse, in our words where the parser's is about what is not a number."""
    cause = error.__cause__ or error.__context__
    given = f"{cause.errors()[0]['input']!r}" if hasattr(cause, "errors") else "it"
    said = re.sub(r" \(Possible options: .*", "", error.format_message())
    message = re.sub(r"Input should be a valid integer.*", f"{given} is not a whole number", said)
    return re.sub(r"Input should be a valid number.*", f"{given} is not a number", message)


def _interrupted(words: list[str], where: str) -> tuple[str, str]:
    """What an interrupted command leaves behind, and what to do next."""
    message = f"interrupted {where}".rstrip()
    if REMEMBERS & set(words):
        counted = f", {interruption.kept()} included" if interruption.kept() else ""
        return f"{message}; finished work is kept{counted}", "run the same command again to resume"
    return f"{message}; every line on stdout is whole, and no -o FILE is left half-written", "run the command again"


def _give_up_stdout() -> None:
    """Drops what stdout cannot take, or Python tries again as it exits: another traceback, and exit code 120."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)


def _keep_memory_private() -> None:
    """No core dump of this process or of its children holds its memory, in which every key is: none is written, and a
    program that takes them without regard to that limit, as some systems have, is given empty ones."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with suppress(OSError):
        Path("/proc/self/coredump_filter").write_text("0", encoding="ascii")


def main(argv: list[str] | None = None) -> int:
    """Entry point of `axiom`. What a user can fix is one line and a hint; anything else keeps its traceback."""
    words = sys.argv[1:] if argv is None else argv
    _fill_closed()
    sys.excepthook = _show_bug
    if argv is None:
        interruption.listen()
        _keep_memory_private()
    try:
        code = run(words)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        _give_up_stdout()
        return 0
    except (KeyboardInterrupt, typer.Abort) as stop:
        console.error(*_interrupted(words, str(stop)))
        return interruption.EXIT_CODE if argv is not None else leave(interruption.EXIT_CODE)
    except Misuse as error:
        path = error.ctx.command_path if error.ctx else "axiom"
        console.error(_plainly(error), meant.advice(error, REMEMBERS) or f"{path} --help shows its options")
        return UsageError.exit_code
    except AxiomError as error:
        if _debugging(words):
            sys.excepthook(*sys.exc_info())
        _give_up_stdout()
        console.error(str(error), error.hint)
        return error.exit_code
    except OSError as error:
        if error.errno not in ADVICE:
            raise
        _give_up_stdout()
        name = error.filename2 or error.filename
        command = next((word for word in words if not word.startswith("-")), "")
        console.error(f"{name or f'axiom {command} stopped'}: {error.strerror}", ADVICE[error.errno])
        return MissingError.exit_code
