"""Rows of a data set: a folder, or an `owner/name` of the Hugging Face hub, which is streamed.

Both need the extra axiom-rl[datasets]. No script of a data set is ever run.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axiom_cli import installation
from axiom_cli.errors import InputError, MissingError, UsageError, did_you_mean
from axiom_cli.importing.columns import join_names
from axiom_cli.importing.readers import READERS, Line, Source, first_line, json_lines, suffix
from axiom_cli.importing.schema import split_named

HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")
SAVED = ("dataset_dict.json", "state.json")


def is_data_set(name: str) -> bool:
    """Whether `name` is a folder, or an `owner/name` of the hub, rather than a file."""
    path = Path(name)
    return path.is_dir() or (not path.exists() and bool(HUB_NAME.fullmatch(name)) and suffix(name) not in READERS)


def of_data_set(name: str, split: str = "", subset: str = "") -> Source:
    """The rows of one split of a data set.

    Raises UsageError where the split or subset is ambiguous or does not exist; MissingError where the extra is not
    installed, the data set does not exist, or the hub cannot be reached; and InputError where it cannot be read.
    """
    datasets = _load_library()
    with _explain_errors(name):
        splits = _splits(datasets, name, subset)
        chosen = _choose(name, "split", split, list(splits))
        return _rows(name, chosen, splits[chosen])


def _rows(name: str, split: str, stream: Any) -> Source:
    """The rows of one split, whose values stay as they are stored."""
    stream = stream.decode(enable=False) if hasattr(stream, "decode") else stream.with_format(None)

    def checked() -> Iterator[Line]:
        with _explain_errors(name):
            yield from json_lines(stream)

    return Source(checked(), tuple(stream.column_names or ()), split_named(split))


def every_split(name: str) -> list[Source]:
    """The rows of each split of a data set; of its subset where the name has one behind a colon: `openai/gsm8k:main`.

    Raises what `of_data_set` raises.
    """
    base, _, subset = name.partition(":")
    datasets = _load_library()
    with _explain_errors(base):
        try:
            splits = _splits(datasets, base, subset)
        except UsageError as error:
            near = error.hint if error.hint.startswith("did you mean") else f"write it behind the name: {base}:SUBSET"
            raise UsageError(str(error), near) from None
        return [_rows(base, split, stream) for split, stream in splits.items()]


def _load_library() -> Any:
    """The library `datasets`, without progress bars and warnings. Raises MissingError where it is not installed."""
    try:
        import datasets
        from datasets import load_dataset  # noqa: F401  (a folder called datasets is not the library)
    except ImportError:
        raise MissingError("data sets need the extra axiom-rl[datasets]", installation.extra("datasets")) from None
    datasets.disable_progress_bars()
    for library in ("datasets", "huggingface_hub"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    return datasets


def _splits(datasets: Any, name: str, subset: str) -> Mapping[str, Any]:
    """Maps each split to its rows, which are read lazily."""
    folder = Path(name)
    if folder.is_dir() and any((folder / file).is_file() for file in SAVED):
        if subset:
            raise UsageError(f"--subset {subset}: {name} was saved without subsets")
        saved = datasets.load_from_disk(name)
        return saved if isinstance(saved, dict) else {str(saved.split or "train"): saved}
    subsets = datasets.get_dataset_config_names(name)
    chosen = _choose(name, "subset", subset or ("default" if "default" in subsets else ""), subsets)
    return datasets.load_dataset(name, chosen, streaming=True)


def _choose(name: str, noun: str, wanted: str, available: list[str]) -> str:
    """The requested one, or the only one. Raises UsageError, which lists those that are available."""
    if wanted in available or (not wanted and len(available) == 1):
        return wanted or available[0]
    listed = f"{name} has the {noun}s {join_names(available)}"
    if not wanted:
        raise UsageError(f"{listed}: choose one", f"--{noun} {available[-1]}")
    raise UsageError(f"no {noun} {wanted!r}: {listed}", did_you_mean(wanted, available))


@contextmanager
def _explain_errors(name: str) -> Iterator[None]:
    """Turns what the library raises into MissingError (not found, or not reached) or InputError (found, not read)."""
    from datasets.data_files import EmptyDatasetError
    from datasets.exceptions import DataFilesNotFoundError, DatasetsError
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    # The hub's own error derives from OSError and from the error of the HTTP library that it uses.
    unreachable = (HFValidationError, *HfHubHTTPError.__bases__)
    try:
        yield
    except (DatasetsError, ValueError, RuntimeError, *unreachable) as error:
        empty = isinstance(error, (EmptyDatasetError, DataFilesNotFoundError))
        if Path(name).is_dir() or empty or not isinstance(error, unreachable):
            raise InputError(f"{name} cannot be read as a data set: {first_line(error)}") from None
        hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
        raise MissingError(
            f"no data set {name!r}; tried a file, a folder, and the hub at {hub}: {first_line(error)}",
            f"on a machine that reaches the hub: hf download {name} --repo-type dataset --local-dir DIR; "
            "then import DIR",
        ) from None
