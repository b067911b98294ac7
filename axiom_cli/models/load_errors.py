"""The one line that a user reads when a library refuses a model's files. It names the file at fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError

from huggingface_hub.errors import StrictDataclassError
from transformers.utils import logging

from axiom_cli.errors import AxiomError, InputError, MissingError
from axiom_cli.models import folders
from axiom_cli.models.memory import is_out_of_memory

Refusal = Callable[[Path], str]
"""A folder that could not be loaded -> the name of the file in it that is at fault; empty where none is found."""


@contextmanager
def explained(path: Path | str, refused: Refusal) -> Iterator[None]:
    """Within it, whatever the libraries raise over a model's files is one line about them, and they say nothing
    themselves. MissingError where a package or memory is missing."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    except (AxiomError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except ImportError as error:
        raise MissingError(f"{path} needs a package: {_first_line(error)}", "pip install what it names") from error
    except BaseException as error:  # a parser's panic is not an Exception; the files are other people's
        if is_out_of_memory(error):
            message = f"out of memory while {path} is loaded"
            raise MissingError(message, "choose a smaller model, or a machine with more memory") from None
        if isinstance(error, UnpicklingError):
            what = f"{path} holds a pickle that is damaged, or has more than tensors in it, and is not read"
            raise InputError(what, "have its author save the weights as safetensors") from error
        hint = "is it whole, and not newer than the installed transformers and tokenizers?"
        folder = Path(path)
        if not folder.is_dir():
            what = f"{path} is cut off, damaged, or of a kind that transformers does not read: {_first_line(error)}"
            raise InputError(what, hint) from error
        name = refused(folder)
        reason = (_suspect(folder / name, error) if name == folders.CONFIG else "") + _first_line(error)
        if damaged := folders.damaged_file(folder):
            raise InputError(damaged, folders.AGAIN) from error
        raise InputError(f"{folder / name} cannot be loaded: {reason}", hint) from error
    finally:
        logging.set_verbosity(before)


def first_refused(folder: Path, tried: Mapping[str, Callable[[], object]]) -> str:
    """The name of the first file that is there and that its reader refuses; empty where all are read."""
    for name, read in tried.items():
        try:
            if (folder / name).is_file():
                read()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001 - a panic of the tokenizers library is no Exception; it is about this file
            return name
    return ""


def _suspect(config: Path, error: BaseException) -> str:
    """The entry of a config whose text the error quotes, as the beginning of a sentence; empty where there is none."""
    tables = [folders.read_json(config)]
    for entries in tables:
        tables += (value for value in entries.values() if isinstance(value, dict))
        for name, value in entries.items():
            quoted = isinstance(value, str) and (repr(value) in str(error) or f'"{value}"' in str(error))
            if quoted and name not in str(error):
                return f"{name} is {value!r}: "
    return ""


def _first_line(error: BaseException) -> str:
    """What an error says. A config's error says it in its cause, and a KeyError says no more than the key."""
    cause = error.__cause__ if isinstance(error, StrictDataclassError) and error.__cause__ else error
    line = next(filter(None, map(str.strip, str(cause).split("\n"))), type(cause).__name__)[:300]
    return f"{type(cause).__name__}: {line}" if isinstance(cause, LookupError) else line
