"""Where imported rows come from: a file (JSONL, JSON, CSV, Parquet; gzipped or not), a data set's folder, or the hub.

Rows are read one by one, save those of a JSON array. CSV is read as text, so that an answer stays as it is written.
Parquet, folders and the hub need the extra axiom-rl[datasets]; no script of a data set is ever run.
"""

from __future__ import annotations

import csv
import gzip
import io
import logging
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Any

import orjson

from axiom_cli import json_codec
from axiom_cli.errors import InputError, MissingError, UsageError
from axiom_cli.importing import encoding
from axiom_cli.importing.json_values import plain

GZIP = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BATCH = 1000
SHOWN = 12
SPLITS = ("train", "val", "test")
STARTS = {"train": "train", "test": "test", "eval": "test", "val": "val", "dev": "val"}
EXTRA = "pip install 'axiom-rl[datasets]'"
HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")


@dataclass(frozen=True)
class Line:
    """A row as it stands in its source: `number` counts rows from 1, in JSONL lines. Where it cannot be read as an
    object, `data` is what there is, and `broken` says why."""

    number: int
    data: Any
    broken: str = ""
    unit: str = "row"


@dataclass(frozen=True)
class Source:
    """The rows; the `columns` that all of them have, where that is known before they are read; and the split that they
    are of, where one was asked for or the source names it."""

    lines: Iterator[Line]
    columns: tuple[str, ...] = ()
    split: str = ""


def is_data_set(name: str) -> bool:
    """Whether `name` is a folder, or an `owner/name` of the hub, rather than a file."""
    path = Path(name)
    return path.is_dir() or (not path.exists() and bool(HUB_NAME.fullmatch(name)) and _kind(name) not in READERS)


def of_file(raw: IO[bytes], name: str, split: str = "") -> Source:
    """The rows of an open file, told by the end of its `name`. Raises UsageError for a split that no problem has,
    MissingError where an extra is needed, InputError where the file is not what its name says."""
    if split and split not in SPLITS:
        raise UsageError(f"--split {split}: a file's problems are of split train, val or test")
    with _readable(name):
        packed = raw.peek(len(GZIP))[: len(GZIP)] == GZIP  # type: ignore[attr-defined]
        stream: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        encoding.check_start(stream.peek(2), name)
        columns, lines = READERS.get(_kind(name), _lines)(stream)
    return Source(_guarded(raw, lines, name), columns, split)


def _kind(name: str) -> str:
    return PurePath(name.removesuffix(".gz")).suffix.lower()


Found = tuple[tuple[str, ...], Iterator[Line]]


def _lines(stream: Iterable[bytes]) -> Found:
    """JSONL; blank lines are passed over."""
    texts = (line.removeprefix(BYTE_ORDER_MARK) if at == 0 else line for at, line in enumerate(stream))
    return (), (_parsed(text, number) for number, text in enumerate(texts, 1) if text.strip())


def _parsed(text: bytes, number: int) -> Line:
    try:
        return _object(json_codec.loads(text), number, "line")
    except orjson.JSONDecodeError as error:
        shown = text.decode("utf-8", "replace").rstrip("\r\n")
        return Line(number, shown, encoding.fault(text) or json_codec.fault(error), "line")


def _object(value: Any, number: int, unit: str = "row") -> Line:
    broken = "" if isinstance(value, dict) else f"{json_codec.called(value)}, expected an object"
    return Line(number, value, broken, unit)


def _json(stream: IO[bytes]) -> Found:
    """An array of objects, or JSONL under another name."""
    text = stream.read().removeprefix(BYTE_ORDER_MARK)
    if text.lstrip()[:1] != b"[":
        return _lines(io.BytesIO(text))
    try:
        values = json_codec.loads(text)
    except orjson.JSONDecodeError:
        text.decode("utf-8")  # where it is something else, that is what is wrong
        raise
    return (), (_object(value, number) for number, value in enumerate(values, 1))


def _csv(stream: IO[bytes], between: str = ",") -> Found:
    """Every cell is a text; an empty one is absent."""
    csv.field_size_limit(2**31 - 1)
    rows = csv.DictReader(io.TextIOWrapper(stream, "utf-8-sig", newline=""), delimiter=between)
    names = tuple(rows.fieldnames or ())
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise InputError(f"its heading has the column {twice[0]!r} twice", "which of them is meant? rename the other")
    return names, (_cells(row, number) for number, row in enumerate(rows, 1))


def _cells(row: dict[Any, Any], number: int) -> Line:
    more = row.pop(None, None)
    data = {name: cell or None for name, cell in row.items()}
    if not more:
        return Line(number, data)
    cells = "cell" if len(more) == 1 else "cells"
    return Line(number, {**data, "": more}, f"it has {len(more)} more {cells} than the heading")


def _tsv(stream: IO[bytes]) -> Found:
    return _csv(stream, "\t")


def _parquet(stream: IO[bytes]) -> Found:
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingError("Parquet files need the extra axiom-rl[datasets]", EXTRA) from None
    with _intact():
        file = parquet.ParquetFile(stream)
    return tuple(file.schema_arrow.names), _plain_lines(_batches(file))


def _batches(file: Any) -> Iterator[dict[str, Any]]:
    with _intact():
        for batch in file.iter_batches(batch_size=BATCH):
            yield from batch.to_pylist()


@contextmanager
def _intact() -> Iterator[None]:
    """Turns what Arrow says of damaged bytes into an InputError. A failing disk keeps its own error."""
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError) as error:
        if getattr(error, "errno", None) is not None:
            raise
        raise InputError(f"its Parquet data is damaged, or is none: {_first_line(error)}") from None


READERS: Mapping[str, Callable[[Any], Found]] = {
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
}


def of_data_set(name: str, split: str = "", subset: str = "") -> Source:
    """The rows of one split of a data set: a folder, or an `owner/name` of the hub, which is streamed.

    Raises UsageError where a split or subset must be chosen, or is not there; MissingError where the extra or the data
    set is missing, or the hub cannot be reached; InputError where what is there cannot be read.
    """
    datasets = _library()
    with _reached(name):
        splits = _splits(datasets, name, subset)
        chosen = _choice(name, "split", split, list(splits))
        stream = splits[chosen]
        stream = stream.decode(False) if hasattr(stream, "decode") else stream.with_format(None)
    return Source(_followed(_plain_lines(stream), name), tuple(stream.column_names or ()), split_called(chosen))


def split_called(name: str) -> str:
    """The split of problems that a data set's split is: `val` for `validation`; empty where its name does not say."""
    return next((ours for start, ours in STARTS.items() if name.startswith(start)), "")


def _library() -> Any:
    """The library `datasets`, without its bars and warnings. Raises MissingError where it is not installed."""
    try:
        import datasets
        from datasets import load_dataset  # noqa: F401  (a folder called datasets is not the library)
    except ImportError:
        raise MissingError("data sets need the extra axiom-rl[datasets]", EXTRA) from None
    datasets.disable_progress_bars()
    for library in ("datasets", "huggingface_hub"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    return datasets


def _splits(datasets: Any, name: str, subset: str) -> Mapping[str, Any]:
    """Split name to rows, nothing of which is read yet."""
    folder = Path(name)
    if folder.is_dir() and any((folder / file).is_file() for file in ("dataset_dict.json", "state.json")):
        if subset:
            raise UsageError(f"--subset {subset}: {name} was saved without subsets")
        saved = datasets.load_from_disk(name)
        return saved if isinstance(saved, dict) else {str(saved.split or "train"): saved}
    subsets = datasets.get_dataset_config_names(name)
    chosen = _choice(name, "subset", subset or ("default" if "default" in subsets else ""), subsets)
    return datasets.load_dataset(name, chosen, streaming=True)


def _choice(name: str, what: str, wanted: str, there: list[str]) -> str:
    """The one that was asked for, or the only one. Raises UsageError naming those that there are."""
    from difflib import get_close_matches

    if wanted in there or (not wanted and len(there) == 1):
        return wanted or there[0]
    more = f" and {len(there) - SHOWN:,} more" if len(there) > SHOWN else ""
    named = f"{name} has the {what}s {', '.join(there[:SHOWN])}{more}"
    if not wanted:
        raise UsageError(f"{named}: choose one", f"--{what} {there[-1]}")
    close = get_close_matches(wanted, there, 1)
    raise UsageError(f"no {what} {wanted!r}: {named}", f"did you mean --{what} {close[0]}?" if close else "")


def _plain_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[Line]:
    for number, row in enumerate(rows, 1):
        yield Line(number, plain(row))


def _guarded(raw: IO[bytes], lines: Iterator[Line], name: str) -> Iterator[Line]:
    with raw, _readable(name):
        yield from lines


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turns what the readers of files raise into an InputError."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{name}: its gzip data is damaged or cut off: {error}") from None
    except UnicodeDecodeError as error:
        raise encoding.unreadable(error, name) from None
    except (csv.Error, orjson.JSONDecodeError) as error:
        raise InputError(f"{name} is not what its name says: {error}") from None


def _followed(lines: Iterator[Line], name: str) -> Iterator[Line]:
    with _reached(name):
        yield from lines


@contextmanager
def _reached(name: str) -> Iterator[None]:
    """Turns what the library raises into MissingError (not there, or not reached) or InputError (there, not read)."""
    from datasets.data_files import EmptyDatasetError
    from datasets.exceptions import DataFilesNotFoundError, DatasetsError
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    # The bases of the hub's own error: OSError, and the error of the HTTP library that it stands on.
    lost = (HFValidationError, *HfHubHTTPError.__bases__)
    try:
        yield
    except (DatasetsError, ValueError, RuntimeError, *lost) as error:
        empty = isinstance(error, (EmptyDatasetError, DataFilesNotFoundError))
        if Path(name).is_dir() or empty or not isinstance(error, lost):
            raise InputError(f"{name} cannot be read as a data set: {_first_line(error)}") from None
        hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
        raise MissingError(
            f"no data set {name!r}; tried a file, a folder, and the hub at {hub}: {_first_line(error)}",
            f"where the hub can be reached: hf download {name} --repo-type dataset --local-dir DIR; then import DIR",
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0][:300]
