"""Adapters into weights: in float32, from the original base, rounded once, never chained (docs/pitfalls.md).

The base is walked through tensor by tensor and written into files of the same layout; tokenizer, chat template and
generation config are carried over as they are.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch

from axiom_cli.errors import UsageError
from axiom_cli.files import explained_write_errors
from axiom_cli.learning.training import certificate
from axiom_cli.learning.training.certificate import Certificate, ProbeResult, WeightChange
from axiom_cli.learning.training.streamed import StreamedModel
from axiom_cli.models import folder_checks, folders, shards
from axiom_cli.models.adapters import Chain
from axiom_cli.models.loading import DTYPES, load_model, load_tokenizer, stored_dtype

CARRIED = (".json", ".jinja", ".model", ".txt", ".tiktoken", ".py")
"""Endings of the files that are not weights, and that a model may need. Its licence is carried, too."""


def merge(base: Path | str, chain: Sequence[Path], out: Path, dtype: str = "auto") -> Certificate:
    """Writes base + chain as a plain transformers folder to `out`, and proves it by what is read back from there.

    `auto` keeps each tensor's own type, and all tensors keep their names. Memory holds one block of the model at a
    time, and the probes' logits. Where the chain changes what transformers makes of several tensors (whole weights of
    experts), memory holds the model once, and tensors have the library's names. The folder appears whole or not at all.
    Whether the certificate is good enough is the caller's to judge.

    InputError where base or adapter is damaged, or the adapter is of another base or of a kind that cannot be merged
    exactly; MissingError where the disk is full.
    """
    if dtype not in ("auto", *DTYPES):
        raise UsageError(f"--dtype {dtype}: it is auto, {', '.join(DTYPES)}")
    with ExitStack() as bases, torch.no_grad():
        folder = bases.enter_context(plain(base, out.parent))
        model = StreamedModel(folder)
        sums = Chain(chain, model.model)
        if any(model.key(name) is None for name in sums.names):
            model = StreamedModel(bases.enter_context(converted(folder, out.parent, original_names=False)))
        reference = _probe(model, sums, certificate.probe_ids(load_tokenizer(folder), model.context))
        with explained_write_errors(out), whole_folder(out) as draft:
            separate = _untied(model, sums)
            change = _write(model, sums, separate, draft, DTYPES.get(dtype))
            carry(folder, draft)
            _configure(draft, DTYPES.get(dtype), tied=not separate and not model.untied)
        model.read_from(out)
        model.value, model.entire = lambda _name, value: value, set()
        return certificate.certify(change, reference, model.logits(reference.ids_T))


def _probe(model: StreamedModel, sums: Chain, ids_T: torch.Tensor) -> ProbeResult:
    """Asks the base, and then base + adapter."""
    model.entire = {n for n, changes in sums.changes.items() if any(c.magnitude_O is not None for c in changes)}
    base_TV = model.logits(ids_T)
    with sums.attached(model.model):
        model.value = sums.value
        logits_TV = model.logits(ids_T)
    return ProbeResult(ids_T, logits_TV, certificate.distance(logits_TV, base_TV))


def _write(
    model: StreamedModel, sums: Chain, separate: set[str], draft: Path, dtype: torch.dtype | None
) -> WeightChange:
    """The weights, file by file as the base has them; those of `separate` parameters beside the ones they shared."""
    source, change = model.source, WeightChange()
    # A separate parameter's name is its key in the new files, and what it shared is where it is read from.
    origins = {name: key for name in separate if (key := model.key(name))}
    changed = {model.key(name): name for name in sums.names if name not in separate}
    changed |= {name: name for name in separate}
    aliases = {key for name, key in model.layout.keys.items() if name in model.ties}
    placed = {file: [key for key in keys if key not in aliases] for file, keys in source.files().items()}
    for name, key in origins.items():
        placed[source.places[key].file].append(name)
    kinds: dict[str, shards.Kind] = {}
    for key in (key for names in placed.values() for key in names):
        place = source.places[origins.get(key, key)]
        kinds[key] = (dtype if dtype and place.dtype.is_floating_point else place.dtype, place.shape)
    for file, names in placed.items():
        layout = {key: kinds[key] for key in names}
        with shards.writing(draft / file, layout) as (put, back):
            for key in shards.order(layout):
                at = origins.get(key, key)
                original, kind = source.tensor(at), kinds[key][0]
                if key in changed:
                    original = original.float()
                    target, wanted = sums.target(changed[key], original)
                    put(key, [target.to(kind)])
                    change.add(original, back(key), wanted)
                else:
                    put(key, (piece.to(kind) for piece in source.pieces(at)))
                source.forget(at)
    shards.write_index(draft, placed, kinds)
    return change


def _untied(model: StreamedModel, sums: Chain) -> set[str]:
    """Parameters that share another's weights in the base and do not any more, as the chain changes one of the two, or
    both in different ways."""
    separate = set()
    for alias, source in model.ties.items():
        if sums.names.isdisjoint((alias, source)):
            continue
        original = model.tensor(source).float()
        if not torch.equal(sums.target(alias, original)[0], sums.target(source, original)[0]):
            separate.add(alias)
    return separate


def carry(folder: Path, draft: Path) -> None:
    """Copies what a model needs beside its weights, and its licence."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if any(part.startswith(".") for part in inside.parts) or not path.is_file():
            continue
        weights = path.name.endswith(".index.json") or path.name.startswith(("pytorch_model", "adapter_"))
        carried = path.name.endswith(CARRIED) and not weights
        licence = path.name.upper().startswith(("LICENSE", "LICENCE", "NOTICE"))
        if path.suffix == ".jinja" or (len(inside.parts) == 1 and (carried or licence)):
            (draft / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, draft / inside)


def _configure(draft: Path, dtype: torch.dtype | None, *, tied: bool) -> None:
    """Says in config.json what has changed; where nothing has, the file stays as it is."""
    path = draft / "config.json"
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    before = json.dumps(config)
    if dtype:
        config.pop("torch_dtype", None)
        config["dtype"] = str(dtype).removeprefix("torch.")
    if not tied:
        config["tie_word_embeddings"] = False
    if json.dumps(config) != before:
        path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def plain(base: Path | str, beside: Path) -> Iterator[Path]:
    """The folder of `base` if its weights are there as they are used, in safetensors; else a folder that lasts as long
    as the context, in `beside`, with what transformers makes of a .gguf file or of older formats."""
    folder = Path(base)
    if folder.is_dir():
        folder_checks.check_mergeable(folder)
        if folders.safetensors_files(folder):
            yield folder
            return
    with converted(base, beside, original_names=True) as made:
        yield made


@contextmanager
def converted(base: Path | str, beside: Path, *, original_names: bool) -> Iterator[Path]:
    """A folder in `beside`, for as long as the context lasts, with the model as transformers saves it: with the tensors
    that its checkpoints have, or with its parameters as the library has them. Memory holds the model while it is made.
    """
    with tempfile.TemporaryDirectory(dir=beside, prefix=".base-") as name:
        model = load_model(base, dtype=stored_dtype(base))
        with explained_write_errors(beside):
            model.save_pretrained(name, save_original_format=original_names)
            load_tokenizer(base).save_pretrained(name)
        del model
        yield Path(name)


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder to fill, renamed to `out` at the end; nothing is left of it when that end is not reached."""
    draft = out.with_name(f".{out.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        if out.exists():
            shutil.rmtree(out)
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
